import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Visit } from '../test/browser.ts';
import { authorizationUrl, type Discovery, discover, newVerifier, requestToken } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';
import { DEVELOPMENT_HEADER } from './development/marker.ts';

const SEEDED = ['you@example.com', 'alice@example.com'];
const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob';

let server: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	server = await startIdentityServer({ config: { developmentIdentities: SEEDED } });
	discovery = await discover(server.issuer);
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

const open = (browser: Browser, extra: Record<string, string> = {}, challenge = newVerifier().challenge) =>
	browser.open(authorizationUrl(discovery, challenge, extra));

describe('the seeded identities', () => {
	it('have a button each, behind that of the address that is typed', async () => {
		const { body } = await open(new Browser(server.publicUrl));
		const buttons = [
			...body.matchAll(/<button class="[^"]+" type="submit"(?: name="identity" value="([^"]+)" formnovalidate)?>/g),
		];
		// The last one cancels.
		expect(buttons.map(([, email]) => email)).toEqual([undefined, ...SEEDED, undefined]);
	});

	it('sign in with their button, whatever stands in the field', async () => {
		const { verifier, challenge } = newVerifier();
		const browser = new Browser(server.publicUrl);
		const page = await open(browser, {}, challenge);
		const end = await browser.submit(Browser.action(page), { email: 'nobody', identity: 'alice@example.com' });
		const { body } = await requestToken(discovery, {
			grant_type: 'authorization_code',
			client_id: 'sigstore',
			code: new URL(end.leftFor ?? '').searchParams.get('code') ?? '',
			redirect_uri: 'http://localhost:50505/auth/callback',
			code_verifier: verifier,
		});
		const [, claims = ''] = (body.id_token ?? '').split('.');
		expect(JSON.parse(Buffer.from(claims, 'base64url').toString()).email).toBe('alice@example.com');
	});
});

/** One page of each kind: made by a route, by the provider, by an error. */
async function allPages(on: IdentityServer): Promise<Record<string, Visit>> {
	const browser = () => new Browser(on.publicUrl);
	const found = await discover(on.issuer);
	const begin = (who: Browser, extra = {}) => who.open(authorizationUrl(found, newVerifier().challenge, extra));
	const outOfBand = browser();
	const login = await begin(outOfBand, { redirect_uri: OUT_OF_BAND });
	return {
		login,
		device: await browser().open(`${on.issuer}/device`),
		'bad request': await begin(browser(), { client_id: 'nobody' }),
		expired: await browser().open(`${on.issuer}/interaction/none`),
		'out of band': await outOfBand.submit(Browser.action(login), { email: 'alice@example.com' }),
	};
}

const BANNER = 'Development instance.';

describe('an instance with the development login', () => {
	it('says so on every page and in every answer', async () => {
		for (const [name, { body, headers }] of Object.entries(await allPages(server))) {
			expect(headers.get('content-type'), name).toContain('text/html');
			expect(body, name).toContain(BANNER);
			expect(headers.get(DEVELOPMENT_HEADER), name).toBe('1');
		}
		for (const path of ['/auth/.well-known/openid-configuration', '/auth/keys', '/ci/keys', '/status', '/none'])
			expect((await fetch(server.publicUrl + path)).headers.get(DEVELOPMENT_HEADER), path).toBe('1');
	});

	it.each(['/auth/auth', '/auth/device', '/auth/interaction/none'])('refuses %s under another name', async (path) => {
		const status = (headers: Record<string, string>) =>
			new Promise<number>((resolve, reject) => {
				const outgoing = request(server.publicUrl + path, { headers });
				outgoing
					.on('response', (response) => resolve(response.resume().statusCode ?? 0))
					.on('error', reject)
					.end();
			});
		expect(await status({ host: 'evil.example' })).toBe(403);
		expect(await status({})).not.toBe(403);
	});

	it('takes the form of the device page from its own pages alone', async () => {
		const submit = (origin: string) => new Browser(server.publicUrl).submit(`${server.issuer}/device`, {}, { origin });
		expect((await submit('https://evil.example')).status).toBe(403);
		expect((await submit(server.publicUrl)).status).not.toBe(403);
	});
});

describe('an instance without it', () => {
	it('says nothing of the kind', async () => {
		const plain = await startIdentityServer({ config: { developmentLogin: false }, developmentSecret: null });
		try {
			const { 'out of band': _, ...pages } = await allPages(plain);
			for (const [name, { body, headers }] of Object.entries(pages)) {
				expect(body, name).not.toContain(BANNER);
				expect(headers.get(DEVELOPMENT_HEADER), name).toBeNull();
			}
		} finally {
			await plain.stop();
			await plain.test.drop();
		}
	});
});
