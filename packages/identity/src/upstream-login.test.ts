/** One of our servers as the upstream provider of another: both ends are real, and neither knows the other. */
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser, type Visit } from '../test/browser.ts';
import { authorizationUrl, type Discovery, discover, newVerifier, requestToken, signIn } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';

let upstream: IdentityServer;
let server: IdentityServer;
let discovery: Discovery;
const CONNECTOR = 'https://people.example';
const OTHER = 'https://partners.example';

beforeAll(async () => {
	upstream = await startIdentityServer({ config: { clients: ['broker'] } });
	server = await startIdentityServer({
		config: {
			developmentLogin: false,
			connectors: [
				{ type: 'oidc', id: CONNECTOR, name: 'People', issuer: upstream.issuer, clientId: 'broker' },
				{ type: 'oidc', id: OTHER, name: 'Partners', issuer: upstream.issuer, clientId: 'broker' },
			],
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

/** Signs in at the upstream provider, where `url` or the first button behind it leads; returns where that sends the browser. */
async function signInUpstream(browser: Browser, url: string): Promise<string> {
	const first = await browser.open(url);
	const gone = first.leftFor === undefined ? await browser.open(linkOf(first)) : first;
	const back = await signIn(new Browser(upstream.publicUrl), gone.leftFor ?? '', 'alice@example.com');
	return back.leftFor ?? '';
}

/** The claims of the ID token that a sign-in ends in. */
async function claimsAfter(extra: Record<string, string> = {}): Promise<JWTPayload> {
	const { verifier, challenge } = newVerifier();
	const browser = new Browser(server.publicUrl);
	const end = await browser.open(await signInUpstream(browser, authorizationUrl(discovery, challenge, extra)));
	const code = new URL(end.leftFor ?? '').searchParams.get('code') ?? '';
	const form = { grant_type: 'authorization_code', code, redirect_uri: 'http://localhost:50505/auth/callback' };
	const answer = await requestToken(discovery, { ...form, code_verifier: verifier }, 'sigstore:');
	const keys = createRemoteJWKSet(new URL(discovery.jwks_uri));
	return (await jwtVerify(answer.body.id_token ?? '', keys, { issuer: server.issuer })).payload;
}

describe('a sign-in at another provider', () => {
	it('ends in tokens that name the connector', async () => {
		expect(await claimsAfter()).toMatchObject({
			email: 'alice@example.com',
			email_verified: true,
			federated_claims: { connector_id: CONNECTOR },
		});
	});

	it('begins at the connector that the client names', async () => {
		expect(await claimsAfter({ connector_id: OTHER })).toMatchObject({ federated_claims: { connector_id: OTHER } });
		const page = await new Browser(server.publicUrl).open(
			authorizationUrl(discovery, newVerifier().challenge, { connector_id: '<b>elsewhere' }),
		);
		expect(page.status).toBe(200);
		expect(page.body).toContain('the way to sign in <bdi>&lt;b&gt;elsewhere</bdi>, which is not here');
		for (const name of ['People', 'Partners']) expect(page.body).toContain(`Continue with <bdi>${name}</bdi>`);
	});

	it('never makes one account of one address at two providers', async () => {
		const [here, there] = [await claimsAfter({ connector_id: CONNECTOR }), await claimsAfter({ connector_id: OTHER })];
		expect(there.email).toBe(here.email);
		expect(there.sub).not.toBe(here.sub);
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
