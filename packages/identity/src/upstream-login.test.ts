/** One of our servers as the upstream provider of another: both ends are real, and neither knows the other. */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Visit } from '../test/browser.ts';
import { authorizationUrl, type Discovery, discover, newVerifier, requestToken, signIn } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';

let upstream: IdentityServer;
let server: IdentityServer;
let discovery: Discovery;
const CONNECTOR = 'https://people.example';

beforeAll(async () => {
	upstream = await startIdentityServer({ config: { clients: ['broker'] } });
	server = await startIdentityServer({
		config: {
			developmentLogin: false,
			connectors: [{ type: 'oidc', id: CONNECTOR, name: 'People', issuer: upstream.issuer, clientId: 'broker' }],
		},
	});
	discovery = await discover(server.issuer);
});

afterAll(async () => {
	for (const each of [server, upstream]) {
		await each?.stop();
		await each?.test.drop();
	}
});

/** The address that the button of the connector leads to. */
const linkOf = (page: Visit): string =>
	(/class="button" href="([^"]+)"/.exec(page.body)?.[1] ?? '').replaceAll('&amp;', '&');

/** Follows the button, signs in at the upstream provider, and returns what it sends the browser back to. */
async function signInUpstream(browser: Browser, url: string): Promise<string> {
	const gone = await browser.open(linkOf(await browser.open(url)));
	const back = await signIn(new Browser(upstream.publicUrl), gone.leftFor ?? '', 'alice@example.com');
	return back.leftFor ?? '';
}

describe('a sign-in at another provider', () => {
	it('ends in tokens that name the connector', async () => {
		const { verifier, challenge } = newVerifier();
		const browser = new Browser(server.publicUrl);
		const end = await browser.open(await signInUpstream(browser, authorizationUrl(discovery, challenge)));
		const code = new URL(end.leftFor ?? '').searchParams.get('code') ?? '';
		const form = { grant_type: 'authorization_code', code, redirect_uri: 'http://localhost:50505/auth/callback' };
		const answer = await requestToken(discovery, { ...form, code_verifier: verifier }, 'sigstore:');
		const keys = createRemoteJWKSet(new URL(discovery.jwks_uri));
		const { payload } = await jwtVerify(answer.body.id_token ?? '', keys, { issuer: server.issuer });
		expect(payload).toMatchObject({
			email: 'alice@example.com',
			email_verified: true,
			federated_claims: { connector_id: CONNECTOR },
		});
	});

	it('goes on in the browser that began it, once', async () => {
		const browser = new Browser(server.publicUrl);
		const back = await signInUpstream(browser, authorizationUrl(discovery, newVerifier().challenge));
		const stranger = await new Browser(server.publicUrl).open(back);
		expect(stranger.status).toBe(400);
		expect(stranger.body).toContain('began in another browser');
		const end = await browser.open(back);
		expect(new URL(end.leftFor ?? '').searchParams.has('code')).toBe(true);
		expect((await browser.open(back)).status).toBe(400);
	});
});
