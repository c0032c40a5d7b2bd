import { calculateJwkThumbprint, decodeJwt, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import * as client from 'openid-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Browser } from '../test/browser.ts';
import { type Discovery, discover, newVerifier, obtainCode } from '../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../test/identity-server.ts';

const REDIRECT = 'http://localhost:50505/auth/callback';

let server: IdentityServer;
let discovery: Discovery;
let config: client.Configuration;

beforeAll(async () => {
	server = await startIdentityServer();
	discovery = await discover(server.issuer);
	config = await client.discovery(new URL(server.issuer), 'sigstore', undefined, client.None(), {
		execute: [client.allowInsecureRequests],
	});
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

const confirmation = (token: unknown) => decodeJwt(String(token)).cnf;

describe('tokens with a proof', () => {
	it('are bound to its key, both of them, in the code flow of openid-client', async () => {
		const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
		const jkt = await DPoP.calculateThumbprint();
		const verifier = client.randomPKCECodeVerifier();
		const url = client.buildAuthorizationUrl(config, {
			redirect_uri: REDIRECT,
			scope: 'openid email',
			code_challenge: await client.calculatePKCECodeChallenge(verifier),
			code_challenge_method: 'S256',
			dpop_jkt: jkt,
		});
		const browser = new Browser(server.publicUrl);
		const end = await browser.submit(Browser.action(await browser.open(url.href)), { email: 'alice@example.com' });
		const checks = { pkceCodeVerifier: verifier, idTokenExpected: true };
		const tokens = await client.authorizationCodeGrant(config, new URL(end.leftFor ?? ''), checks, undefined, { DPoP });
		expect(tokens.token_type).toBe('dpop');
		expect(confirmation(tokens.access_token)).toEqual({ jkt });
		expect(confirmation(tokens.id_token)).toEqual({ jkt });
		expect(decodeJwt(tokens.id_token ?? '')).toMatchObject({ email: 'alice@example.com', aud: 'sigstore' });
	});

	it('are bound to its key in the device flow of openid-client', async () => {
		const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
		const jkt = await DPoP.calculateThumbprint();
		const device = await client.initiateDeviceAuthorization(config, { scope: 'openid email' });
		const browser = new Browser(server.publicUrl);
		const send = (page: Awaited<ReturnType<Browser['open']>>, fields: Record<string, string>) =>
			browser.submit(Browser.action(page), { xsrf: Browser.hidden(page, 'xsrf'), ...fields });
		const typed = await send(await browser.open(device.verification_uri), { user_code: device.user_code });
		const login = await send(typed, { user_code: device.user_code, confirm: 'yes' });
		await browser.submit(Browser.action(login), { email: 'alice@example.com' });
		const tokens = await client.pollDeviceAuthorizationGrant(config, { ...device, interval: 1 }, undefined, { DPoP });
		expect(tokens.token_type).toBe('dpop');
		for (const token of [tokens.access_token, tokens.id_token]) expect(confirmation(token)).toEqual({ jkt });
	});

	it('are announced, with asymmetric algorithms alone', () => {
		expect(discovery.dpop_signing_alg_values_supported).toEqual(['ES256', 'Ed25519', 'EdDSA']);
	});
});

interface Key {
	readonly privateKey: CryptoKey;
	readonly jwk: JWK;
}

async function newKey(): Promise<Key> {
	const pair = await generateKeyPair('ES256', { extractable: true });
	return { privateKey: pair.privateKey, jwk: await exportJWK(pair.publicKey) };
}

interface Proof {
	readonly claims?: Record<string, unknown>;
	readonly header?: Record<string, unknown>;
}

const nowSeconds = () => Math.floor(Date.now() / 1000);

const prove = ({ privateKey, jwk }: Key, { claims = {}, header = {} }: Proof = {}) =>
	new SignJWT({
		htm: 'POST',
		htu: discovery.token_endpoint,
		iat: nowSeconds(),
		jti: crypto.randomUUID(),
		...claims,
	})
		.setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk, ...header })
		.sign(privateKey);

/** Signs in and redeems the code with this proof. */
async function redeem(
	proof: string | undefined,
	extra: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, string> }> {
	const { verifier, challenge } = newVerifier();
	const code = await obtainCode(server, discovery, challenge, extra);
	const response = await fetch(discovery.token_endpoint, {
		method: 'POST',
		headers: proof === undefined ? {} : { dpop: proof },
		body: new URLSearchParams({
			grant_type: 'authorization_code',
			client_id: 'sigstore',
			code,
			redirect_uri: REDIRECT,
			code_verifier: verifier,
		}),
	});
	return { status: response.status, body: (await response.json()) as Record<string, string> };
}

describe('a proof', () => {
	it('is asked of nobody', async () => {
		const { status, body } = await redeem(undefined);
		expect([status, body.token_type]).toEqual([200, 'Bearer']);
		for (const name of ['access_token', 'id_token']) expect(confirmation(body[name])).toBeUndefined();
	});

	it('is good for one request', async () => {
		const proof = await prove(await newKey());
		expect((await redeem(proof)).status).toBe(200);
		expect(await redeem(proof)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
	});

	it('is good for one of many requests at once', async () => {
		const proof = await prove(await newKey());
		const answers = await Promise.all(Array.from({ length: 6 }, () => redeem(proof)));
		expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
	});

	it('stays used for as long as its date would be accepted', async () => {
		const jti = crypto.randomUUID();
		const claims = { jti, iat: nowSeconds() + 290 };
		const key = await newKey();
		expect((await redeem(await prove(key, { claims }))).status).toBe(200);
		const [row] = await server.test.database.query<{ lifetime: string }>(
			`select extract(epoch from max(expires_at) - now())::int as lifetime
			from identity.artifacts where model = 'ReplayDetection'`,
		);
		expect(Number(row?.lifetime)).toBeGreaterThan(590 - 60);
	});

	it.each<[string, Proof]>([
		['for another address', { claims: { htu: 'https://evil.example/token' } }],
		['for another method', { claims: { htm: 'GET' } }],
		['of yesterday', { claims: { iat: nowSeconds() - 86_400 } }],
		['of tomorrow', { claims: { iat: nowSeconds() + 86_400 } }],
		['without a date', { claims: { iat: undefined } }],
		['without an id', { claims: { jti: undefined } }],
		['of another type', { header: { typ: 'JWT' } }],
		['without its key', { header: { jwk: undefined } }],
		['with a nonce, which nobody gave out', { claims: { nonce: 'n' } }],
	])('is refused %s', async (_what, changes) => {
		const answer = await redeem(await prove(await newKey(), changes));
		expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
		expect(answer.body).not.toHaveProperty('id_token');
	});

	it('is refused when another key has signed it', async () => {
		const [key, other] = [await newKey(), await newKey()];
		const proof = await prove({ privateKey: other.privateKey, jwk: key.jwk });
		expect(await redeem(proof)).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
	});

	it('is refused with a secret key, an unsigned one, and what is no proof', async () => {
		const symmetric = await new SignJWT({ htm: 'POST', htu: discovery.token_endpoint, jti: 'x' })
			.setIssuedAt()
			.setProtectedHeader({ alg: 'HS256', typ: 'dpop+jwt', jwk: { kty: 'oct', k: 'c2VjcmV0' } as never })
			.sign(new TextEncoder().encode('secret'.repeat(8)));
		const [, payload] = (await prove(await newKey())).split('.');
		const header = Buffer.from('{"alg":"none","typ":"dpop+jwt"}').toString('base64url');
		for (const proof of [symmetric, `${header}.${payload}.`, 'x', 'a.b.c'])
			expect(await redeem(proof)).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
	});

	it('contains no private key', async () => {
		const pair = await generateKeyPair('ES256', { extractable: true });
		const proof = await prove({ privateKey: pair.privateKey, jwk: await exportJWK(pair.privateKey) });
		expect(await redeem(proof)).toMatchObject({ status: 400, body: { error: 'invalid_dpop_proof' } });
	});
});

describe('a code that was asked for with dpop_jkt', () => {
	it('is redeemed by that key alone', async () => {
		const [key, other] = [await newKey(), await newKey()];
		const extra = { dpop_jkt: await calculateJwkThumbprint(key.jwk) };
		expect((await redeem(await prove(key), extra)).status).toBe(200);
		for (const proof of [await prove(other), undefined])
			expect(await redeem(proof, extra)).toMatchObject({ status: 400, body: { error: 'invalid_grant' } });
	});
});
