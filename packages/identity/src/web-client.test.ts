import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../test/browser.ts';
import { authorizationUrl, type Discovery, discover, newVerifier, obtainCode, signIn } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';
import { configSchema } from './config.ts';

const PAGE = 'https://sign.example.com/sign/callback';
const ORIGIN = 'https://sign.example.com';
const LOCAL_PAGE = 'http://localhost:27400/sign/callback';
const LOCAL_ORIGIN = 'http://localhost:27400';

let server: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	server = await startIdentityServer({
		config: {
			webClients: [
				{ id: 'web', redirectUri: PAGE },
				{ id: 'local', redirectUri: LOCAL_PAGE },
			],
		},
	});
	discovery = await discover(server.issuer);
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

const verify = (token: unknown, audience: string) =>
	jwtVerify(String(token), createRemoteJWKSet(new URL(discovery.jwks_uri)), { issuer: server.issuer, audience });

interface Redemption {
	readonly clientId: string;
	readonly redirectUri: string;
	readonly origin?: string;
}

/** Signs in and redeems the code as a page of `origin` would. */
async function redeem({ clientId, redirectUri, origin }: Redemption): Promise<Response> {
	const { verifier, challenge } = newVerifier();
	const code = await obtainCode(server, discovery, challenge, { client_id: clientId, redirect_uri: redirectUri });
	expect(code).not.toBe('');
	return fetch(discovery.token_endpoint, {
		method: 'POST',
		headers: origin === undefined ? {} : { origin },
		body: new URLSearchParams({
			grant_type: 'authorization_code',
			client_id: clientId,
			code,
			redirect_uri: redirectUri,
			code_verifier: verifier,
		}),
	});
}

describe('a web client', () => {
	it('gets a token for the certificate authority and one for itself, by openid-client', async () => {
		const config = await client.discovery(new URL(server.issuer), 'web', undefined, client.None(), {
			execute: [client.allowInsecureRequests],
		});
		const verifier = client.randomPKCECodeVerifier();
		const nonce = client.randomNonce();
		const url = client.buildAuthorizationUrl(config, {
			redirect_uri: PAGE,
			scope: 'openid email',
			code_challenge: await client.calculatePKCECodeChallenge(verifier),
			code_challenge_method: 'S256',
			state: 'the-state',
			nonce,
		});
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(url.href);
		expect(page.headers.get('content-security-policy')).toContain(`form-action 'self' ${ORIGIN};`);
		const end = await browser.submit(Browser.action(page), { email: 'alice@example.com' });
		const tokens = await client.authorizationCodeGrant(config, new URL(end.leftFor ?? ''), {
			pkceCodeVerifier: verifier,
			expectedNonce: nonce,
			expectedState: 'the-state',
			idTokenExpected: true,
		});
		const person = {
			email: 'alice@example.com',
			email_verified: true,
			federated_claims: { connector_id: server.issuer, user_id: 'alice@example.com' },
		};
		expect(tokens.claims()).toMatchObject({ aud: 'web', ...person });
		expect((await verify(tokens.access_token, 'sigstore')).payload).toMatchObject({ client_id: 'web', ...person });
		expect(tokens.refresh_token).toBeUndefined();
	});

	it.each([
		`${PAGE}/`,
		`${PAGE}?x=1`,
		'https://sign.example.com/sign/callbac',
		'https://sign.example.com/SIGN/callback',
		'https://sign.example.com:443/sign/callback',
		'https://sign.example.com.evil.example/sign/callback',
		'http://sign.example.com/sign/callback',
		'http://localhost:1234/sign/callback',
		LOCAL_PAGE,
		'urn:ietf:wg:oauth:2.0:oob',
	])('has no codes sent to %s', async (redirectUri) => {
		const url = authorizationUrl(discovery, newVerifier().challenge, { client_id: 'web', redirect_uri: redirectUri });
		const end = await new Browser(server.publicUrl).open(url);
		expect(end).toMatchObject({ status: 400, leftFor: undefined });
		expect(end.body).toContain('redirect_uri');
	});

	it('does not open its page to other clients', async () => {
		const url = authorizationUrl(discovery, newVerifier().challenge, { redirect_uri: PAGE });
		expect(await new Browser(server.publicUrl).open(url)).toMatchObject({ status: 400, leftFor: undefined });
	});

	it.each([
		['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
		['with a plain challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
	])('is refused %s', async (_what, extra, error) => {
		const url = authorizationUrl(discovery, newVerifier().challenge, {
			client_id: 'web',
			redirect_uri: PAGE,
			...extra,
		});
		const end = await new Browser(server.publicUrl).open(url);
		expect(new URL(end.leftFor ?? 'none:').searchParams.get('error')).toBe(error);
	});

	it('gets its answer in the query, whatever it asks for', async () => {
		const url = authorizationUrl(discovery, newVerifier().challenge, {
			client_id: 'web',
			redirect_uri: PAGE,
			response_mode: 'fragment',
		});
		const end = await signIn(new Browser(server.publicUrl), url, 'alice@example.com');
		expect(new URL(end.leftFor ?? '').searchParams.has('code')).toBe(true);
	});

	it('has no device flow', async () => {
		const response = await fetch(discovery.device_authorization_endpoint, {
			method: 'POST',
			body: new URLSearchParams({ client_id: 'web', scope: 'openid email' }),
		});
		expect(response.status).toBe(400);
		expect(await response.json()).not.toHaveProperty('device_code');
	});
});

describe('the token endpoint', () => {
	it.each([
		[PAGE, 'web', ORIGIN],
		[LOCAL_PAGE, 'local', LOCAL_ORIGIN],
	])('answers the page %s', async (redirectUri, clientId, origin) => {
		const response = await redeem({ clientId, redirectUri, origin });
		expect(response.status).toBe(200);
		expect(response.headers.get('access-control-allow-origin')).toBe(origin);
		expect(response.headers.get('access-control-allow-credentials')).toBeNull();
		expect(response.headers.get('access-control-expose-headers')).toMatch(/dpop-nonce.*www-authenticate/i);
		expect(response.headers.get('vary')?.toLowerCase()).toContain('origin');
		expect(await response.json()).toHaveProperty('id_token');
	});

	it('answers programs, which have no origin', async () => {
		const response = await redeem({ clientId: 'web', redirectUri: PAGE });
		expect(response.status).toBe(200);
		expect(response.headers.get('access-control-allow-origin')).toBeNull();
	});

	it.each([
		['another site', 'web', PAGE, 'https://evil.example'],
		['the page of another client', 'web', PAGE, LOCAL_ORIGIN],
		['another port', 'local', LOCAL_PAGE, 'http://localhost:27401'],
		['another scheme', 'web', PAGE, 'http://sign.example.com'],
		['a sandboxed frame', 'web', PAGE, 'null'],
		['the page of a web client with the id of programs', 'sigstore', 'http://localhost:1/x', ORIGIN],
	])('refuses %s', async (_what, clientId, redirectUri, origin) => {
		const response = await redeem({ clientId, redirectUri, origin });
		expect(response.status).toBe(400);
		expect(response.headers.get('access-control-allow-origin')).toBeNull();
		expect(response.headers.get('access-control-expose-headers')).toBeNull();
		const body = await response.json();
		expect(body).toMatchObject({ error: 'invalid_request' });
		expect(JSON.stringify(body)).not.toContain('token');
	});

	it('tells other sites nothing, also where it does not come to know the client', async () => {
		for (const body of ['client_id=nobody&grant_type=authorization_code', '']) {
			const response = await fetch(discovery.token_endpoint, {
				method: 'POST',
				headers: { origin: 'https://evil.example', 'content-type': 'application/x-www-form-urlencoded' },
				body,
			});
			expect(response.status).toBeGreaterThanOrEqual(400);
			expect(response.headers.get('access-control-allow-origin')).toBeNull();
		}
	});

	const preflight = (url: string, origin: string) =>
		fetch(url, {
			method: 'OPTIONS',
			headers: {
				origin,
				'access-control-request-method': 'POST',
				'access-control-request-headers': 'dpop,content-type',
			},
		});

	it('lets the page send a DPoP proof', async () => {
		const response = await preflight(discovery.token_endpoint, ORIGIN);
		expect(response.status).toBe(204);
		expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
		expect(response.headers.get('access-control-allow-methods')).toBe('POST');
		expect(response.headers.get('access-control-allow-headers')?.split(', ')).toEqual(
			expect.arrayContaining(['dpop', 'content-type']),
		);
	});

	it.each(['https://evil.example', 'null', 'https://sign.example.com:8443'])('lets %s send nothing', async (origin) => {
		for (const url of [discovery.token_endpoint, discovery.device_authorization_endpoint]) {
			const response = await preflight(url, origin);
			expect(response.status).toBe(403);
			expect(response.headers.get('access-control-allow-origin')).toBeNull();
		}
	});
});

describe('what is public', () => {
	it('may be read by every page', async () => {
		for (const url of [`${server.issuer}/.well-known/openid-configuration`, discovery.jwks_uri]) {
			const response = await fetch(url, { headers: { origin: 'https://anyone.example' } });
			expect(response.status).toBe(200);
			expect(response.headers.get('access-control-allow-origin')).toBe('*');
			const asked = await fetch(url, {
				method: 'OPTIONS',
				headers: { origin: 'https://anyone.example', 'access-control-request-method': 'GET' },
			});
			expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
			expect(asked.headers.get('access-control-allow-methods')).toBe('GET');
		}
	});
});

describe('the configuration of web clients', () => {
	const parse = (redirectUri: string, id = 'web') =>
		configSchema({ KEYS: '{"auth":[]}' }).safeParse({
			publicUrl: 'https://id.example.com',
			signingJwks: { env: 'KEYS' },
			webClients: [{ id, redirectUri }],
		}).success;

	it.each([PAGE, LOCAL_PAGE, 'http://127.0.0.1:1/x', 'http://[::1]:1/x', 'https://a.example/'])('takes %s', (uri) => {
		expect(parse(uri)).toBe(true);
	});

	it.each([
		'http://sign.example.com/x',
		'https://*.example.com/x',
		'https://sign.example.com/*',
		'https://sign.example.com',
		'https://SIGN.example.com/x',
		'https://user@sign.example.com/x',
		'https://sign.example.com/x#y',
		'https://sign.example.com/x#',
		'https://a;b.example/x',
		"https://a'b.example/x",
		'https://sign.example.com/a b',
		'javascript:alert(1)',
		'urn:ietf:wg:oauth:2.0:oob',
		'',
	])('refuses %j', (uri) => {
		expect(parse(uri)).toBe(false);
	});

	it('refuses an id that programs have too', async () => {
		const config = { webClients: [{ id: 'sigstore', redirectUri: PAGE }] };
		await expect(startIdentityServer({ config })).rejects.toThrow('an id stands twice');
	});
});
