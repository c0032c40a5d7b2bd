import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../test/browser.ts';
import {
	authorizationUrl,
	type Discovery,
	discover,
	newVerifier,
	obtainCode,
	requestToken,
	signIn,
} from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';
import { subjectOf } from './domain/account.ts';

let server: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	server = await startIdentityServer();
	discovery = await discover(server.issuer);
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

const verify = (token: string) =>
	jwtVerify(token, createRemoteJWKSet(new URL(discovery.jwks_uri)), { issuer: server.issuer, audience: 'sigstore' });

describe('discovery', () => {
	it('names itself byte for byte and offers what clients insist on', () => {
		expect(discovery).toMatchObject({
			issuer: server.issuer,
			authorization_endpoint: `${server.issuer}/auth`,
			token_endpoint: `${server.issuer}/token`,
			jwks_uri: `${server.issuer}/keys`,
			device_authorization_endpoint: `${server.issuer}/device/code`,
			code_challenge_methods_supported: ['S256'],
			response_types_supported: ['code'],
			response_modes_supported: ['query'],
			subject_types_supported: ['public'],
			grant_types_supported: ['authorization_code', 'urn:ietf:params:oauth:grant-type:device_code'],
			id_token_signing_alg_values_supported: ['RS256'],
		});
		expect(discovery.claims_supported).toEqual(expect.arrayContaining(['email', 'email_verified', 'federated_claims']));
	});

	it('answers with the configured addresses whatever Host and forwarding headers say', async () => {
		const { request } = await import('node:http');
		const body = await new Promise<string>((resolve, reject) => {
			const url = new URL(`${server.issuer}/.well-known/openid-configuration`);
			const headers = { host: 'evil.example', 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
			request(url, { headers }, (response) => {
				let text = '';
				response.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text));
			})
				.on('error', reject)
				.end();
		});
		expect(JSON.parse(body)).toEqual(discovery);
	});

	it('publishes public keys only, and lets caches keep them for minutes', async () => {
		const response = await fetch(discovery.jwks_uri);
		expect(response.headers.get('cache-control')).toBe('public, max-age=600, must-revalidate');
		const { keys } = (await response.json()) as { keys: Record<string, unknown>[] };
		expect(keys.map((key) => key.alg)).toEqual(['RS256', 'ES256']);
		for (const key of keys)
			for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) expect(key).not.toHaveProperty(member);
	});
});

/** What each client sends, where it differs: authorization parameters, token form, Basic credentials, token it uses. */
interface Client {
	name: string;
	redirectUri: string;
	authorize?: Record<string, string>;
	form?: Record<string, string>;
	basic?: string;
	uses: 'id_token' | 'access_token';
	nonce?: string;
}

const CLIENTS: Client[] = [
	{
		name: 'cosign, gitsign and Go, first try: Basic with an empty secret',
		redirectUri: 'http://localhost:53682/auth/callback',
		authorize: { access_type: 'online', nonce: 'n-0S6_WzA2Mj' },
		form: { nonce: 'n-0S6_WzA2Mj' },
		basic: 'sigstore:',
		uses: 'id_token',
		nonce: 'n-0S6_WzA2Mj',
	},
	{
		name: 'Go, second try: client id in the form',
		redirectUri: 'http://localhost:53683/auth/callback',
		authorize: { access_type: 'online', connector_id: 'https://accounts.google.com', nonce: 'n2' },
		form: { client_id: 'sigstore' },
		uses: 'id_token',
		nonce: 'n2',
	},
	{
		name: 'sigstore-python: empty client_secret, no nonce, Basic, and the access token',
		redirectUri: 'http://localhost:40111/auth/callback',
		authorize: { client_secret: '' },
		basic: 'sigstore:',
		uses: 'access_token',
	},
	{
		name: 'sigstore-js: a redirect without path or slash',
		redirectUri: 'http://localhost:41235',
		authorize: { nonce: 'n3' },
		form: { client_id: 'sigstore' },
		uses: 'id_token',
		nonce: 'n3',
	},
	{
		name: 'sigstore-java: /Callback',
		redirectUri: 'http://localhost:41236/Callback',
		authorize: { nonce: 'n4' },
		form: { client_id: 'sigstore' },
		uses: 'id_token',
		nonce: 'n4',
	},
	{
		name: 'sigstore-rs: Basic with some secret',
		redirectUri: 'http://localhost:8080',
		authorize: { nonce: 'n5' },
		basic: 'sigstore:some secret',
		uses: 'id_token',
		nonce: 'n5',
	},
	{
		name: 'any path and query on an IPv6 loopback',
		redirectUri: 'http://[::1]:9999/some/where?keep=this',
		form: { client_id: 'sigstore' },
		uses: 'id_token',
	},
	{ name: 'IPv4 loopback', redirectUri: 'http://127.0.0.1:9998/x', basic: 'sigstore:', uses: 'id_token' },
	{ name: 'out of band', redirectUri: 'urn:ietf:wg:oauth:2.0:oob', basic: 'sigstore:', uses: 'access_token' },
];

describe('the authorization code flow', () => {
	it.each(CLIENTS)('serves $name', async (client) => {
		const { verifier, challenge } = newVerifier();
		const url = authorizationUrl(discovery, challenge, { ...client.authorize, redirect_uri: client.redirectUri });
		const end = await signIn(new Browser(server.publicUrl), url, 'alice@example.com');

		let code: string;
		if (client.redirectUri.startsWith('urn:')) {
			expect(end.status).toBe(200);
			expect(end.leftFor).toBeUndefined();
			expect(end.headers.get('cache-control')).toBe('no-store');
			expect(end.body).not.toContain('<script');
			code = /<p class="code" id="code">([^<]+)</.exec(end.body)?.[1] ?? '';
		} else {
			const back = new URL(end.leftFor ?? '');
			const expected = new URL(client.redirectUri);
			expect(back.origin + back.pathname).toBe(expected.origin + expected.pathname);
			for (const [name, value] of expected.searchParams) expect(back.searchParams.get(name)).toBe(value);
			expect(back.searchParams.get('state')).toBe('the-state');
			code = back.searchParams.get('code') ?? '';
		}
		expect(code).not.toBe('');

		const answer = await requestToken(
			discovery,
			{
				grant_type: 'authorization_code',
				code,
				redirect_uri: client.redirectUri,
				code_verifier: verifier,
				...client.form,
			},
			client.basic,
		);
		expect(answer).toMatchObject({ status: 200, body: { token_type: 'Bearer' } });
		expect(answer.body).not.toHaveProperty('refresh_token');

		const identity = {
			iss: server.issuer,
			sub: subjectOf('alice@example.com', server.issuer),
			aud: 'sigstore',
			email: 'alice@example.com',
			email_verified: true,
			federated_claims: { connector_id: server.issuer, user_id: 'alice@example.com' },
		};
		const { payload, protectedHeader } = await verify(answer.body[client.uses] ?? '');
		expect(payload).toMatchObject(identity);
		expect(protectedHeader.alg).toBe('RS256');
		expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120);
		if (client.nonce) expect(payload.nonce).toBe(client.nonce);
		// Whichever a client takes, both name the same person.
		for (const name of ['id_token', 'access_token'])
			expect((await verify(answer.body[name] ?? '')).payload).toMatchObject(identity);
	});

	it('asks again who signs although the browser has signed in before', async () => {
		const browser = new Browser(server.publicUrl);
		for (const email of ['alice@example.com', 'bob@example.com']) {
			const { verifier, challenge } = newVerifier();
			const end = await signIn(browser, authorizationUrl(discovery, challenge), email);
			const code = new URL(end.leftFor ?? '').searchParams.get('code') ?? '';
			const answer = await requestToken(
				discovery,
				{
					grant_type: 'authorization_code',
					code,
					redirect_uri: 'http://localhost:50505/auth/callback',
					code_verifier: verifier,
				},
				'sigstore:',
			);
			expect((await verify(answer.body.id_token ?? '')).payload.email).toBe(email);
		}
	});

	it('lets two sign-ins of one browser go on side by side', async () => {
		const browser = new Browser(server.publicUrl);
		const first = await browser.open(authorizationUrl(discovery, newVerifier().challenge, { state: 'one' }));
		const second = await browser.open(authorizationUrl(discovery, newVerifier().challenge, { state: 'two' }));
		const ends = [
			await browser.submit(Browser.action(second), { email: 'bob@example.com' }),
			await browser.submit(Browser.action(first), { email: 'alice@example.com' }),
		];
		expect(ends.map((end) => new URL(end.leftFor ?? '').searchParams.get('state'))).toEqual(['two', 'one']);
		expect(ends.map((end) => new URL(end.leftFor ?? '').searchParams.has('code'))).toEqual([true, true]);
	});

	it('leaves the address out of the tokens when the scope does not ask for it', async () => {
		const { verifier, challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge, { scope: 'openid' });
		const answer = await requestToken(
			discovery,
			{
				grant_type: 'authorization_code',
				code,
				redirect_uri: 'http://localhost:50505/auth/callback',
				code_verifier: verifier,
			},
			'sigstore:',
		);
		const { payload } = await verify(answer.body.id_token ?? '');
		expect(payload.federated_claims).toBeDefined();
		expect(payload).not.toHaveProperty('email');
		expect((await verify(answer.body.access_token ?? '')).payload).not.toHaveProperty('email');
	});

	it.each(['form_post', 'fragment', 'web_message'])(
		'answers in the query although the client asks for %s',
		async (mode) => {
			const url = authorizationUrl(discovery, newVerifier().challenge, { response_mode: mode });
			const end = await signIn(new Browser(server.publicUrl), url, 'alice@example.com');
			expect(new URL(end.leftFor ?? '').searchParams.has('code')).toBe(true);
		},
	);

	it('tells the client when the person cancels', async () => {
		const browser = new Browser(server.publicUrl);
		const page = await browser.open(authorizationUrl(discovery, newVerifier().challenge));
		const end = await browser.submit(`${page.url}/cancel`, {});
		const back = new URL(end.leftFor ?? '');
		expect(back.searchParams.get('error')).toBe('access_denied');
		expect(back.searchParams.get('state')).toBe('the-state');
	});

	it('shows the person out of band that they cancelled', async () => {
		const browser = new Browser(server.publicUrl);
		const url = authorizationUrl(discovery, newVerifier().challenge, { redirect_uri: 'urn:ietf:wg:oauth:2.0:oob' });
		const page = await browser.open(url);
		const end = await browser.submit(`${page.url}/cancel`, {});
		expect(end.status).toBe(400);
		expect(end.body).toContain('access_denied');
	});

	it('signs with the key it names', async () => {
		const { verifier, challenge } = newVerifier();
		const code = await obtainCode(server, discovery, challenge);
		const answer = await requestToken(
			discovery,
			{
				grant_type: 'authorization_code',
				code,
				redirect_uri: 'http://localhost:50505/auth/callback',
				code_verifier: verifier,
			},
			'sigstore:',
		);
		const { keys } = (await (await fetch(discovery.jwks_uri)).json()) as { keys: { kid: string }[] };
		expect(decodeProtectedHeader(answer.body.id_token ?? '').kid).toBe(keys[0]?.kid);
	});
});
