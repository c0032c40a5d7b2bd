import { createPublicKey, verify } from 'node:crypto';
import { createRemoteJWKSet, decodeJwt, type JWK, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Discovery, discover, requestToken } from '../../test/code-flow.ts';
import { type IdentityServer, startIdentityServer } from '../../test/identity-server.ts';

const SECRET = 'builder secret: with & = + %~';
const NO_WORD = 'a secret of somebody else';

let server: IdentityServer;
let discovery: Discovery;

beforeAll(async () => {
	server = await startIdentityServer({ environment: { BUILDER: SECRET, OTHER: NO_WORD }, config: configOf({}) });
	discovery = await discover(server.issuer);
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
});

function configOf(extra: Record<string, unknown>): Record<string, unknown> {
	return {
		machineClients: [
			{ id: 'builder', secret: { env: 'BUILDER' }, email: 'builder@example.com', name: 'The build server' },
			{ id: 'other:client', secret: { env: 'OTHER' }, email: 'other@example.com' },
		],
		...extra,
	};
}

/** As RFC 6749 section 2.3.1 has it: both parts encoded like a form. */
const encoded = (text: string) => new URLSearchParams({ x: text }).toString().slice(2);
const basicOf = (id: string, secret: string) => `${encoded(id)}:${encoded(secret)}`;
/** As cosign sends it. */
const COSIGN_FORM = {
	client_id: 'builder',
	client_secret: SECRET,
	scope: 'openid email',
	grant_type: 'client_credentials',
};

describe('a machine client', () => {
	it('gets an ID token as cosign wants it, under the address that it was given', async () => {
		const answer = await requestToken(discovery, COSIGN_FORM);
		expect(answer).toMatchObject({
			status: 200,
			body: { token_type: 'Bearer', expires_in: 120, scope: 'openid email' },
		});
		const keys = createRemoteJWKSet(new URL(discovery.jwks_uri));
		const account = {
			// Field 1: client id, field 2: connector id, as Dex writes them.
			sub: Buffer.from(`\n\u0007builder\u0012${String.fromCharCode(server.issuer.length)}${server.issuer}`).toString(
				'base64url',
			),
			email: 'builder@example.com',
			email_verified: true,
			name: 'The build server',
			federated_claims: { connector_id: server.issuer, user_id: 'builder' },
			iss: server.issuer,
		};
		const { payload: idToken } = await jwtVerify(String(answer.body.id_token), keys, {
			issuer: server.issuer,
			audience: 'builder',
		});
		expect(idToken).toMatchObject({ ...account, aud: ['builder', 'sigstore'], azp: 'builder' });
		expect(Number(idToken.exp) - Number(idToken.iat)).toBe(120);
		const { payload } = await jwtVerify(String(answer.body.access_token), keys, { audience: 'sigstore' });
		expect(payload).toMatchObject({ ...account, aud: 'sigstore', client_id: 'builder' });
	});

	it('gets tokens whose signature OpenSSL verifies, too', async () => {
		const { body } = await requestToken(discovery, COSIGN_FORM);
		const set = (await (await fetch(discovery.jwks_uri)).json()) as { keys: JWK[] };
		const key = set.keys.find(({ kty }) => kty === 'RSA');
		for (const token of [body.id_token, body.access_token]) {
			const [header, payload, signature = ''] = String(token).split('.');
			const signed = Buffer.from(`${header}.${payload}`);
			const publicKey = createPublicKey({ key: { ...key }, format: 'jwk' });
			expect(verify('sha256', signed, publicKey, Buffer.from(signature, 'base64url'))).toBe(true);
		}
	});

	it.each([
		['builder', SECRET],
		['other:client', NO_WORD],
	])('may send the id %j and its secret with Basic', async (id, secret) => {
		const answer = await requestToken(discovery, { grant_type: 'client_credentials' }, basicOf(id, secret));
		expect(answer.status).toBe(200);
		expect(decodeJwt(String(answer.body.id_token)).aud).toEqual([id, 'sigstore']);
	});

	it('is vouched for by the connector that is configured', async () => {
		const connectorId = 'https://machines.example';
		const environment = { BUILDER: SECRET, OTHER: NO_WORD };
		const own = await startIdentityServer({ environment, config: configOf({ machineConnectorId: connectorId }) });
		try {
			const { body } = await requestToken(await discover(own.issuer), COSIGN_FORM);
			expect(decodeJwt(String(body.id_token)).federated_claims).toEqual({
				connector_id: connectorId,
				user_id: 'builder',
			});
		} finally {
			await own.stop();
			await own.test.drop();
		}
	});
});

describe('a token request of a machine client is refused', () => {
	it.each([
		['a wrong secret in the form', { ...COSIGN_FORM, client_secret: NO_WORD }, undefined],
		['an empty secret in the form', { ...COSIGN_FORM, client_secret: '' }, undefined],
		['no secret', { client_id: 'builder', grant_type: 'client_credentials' }, undefined],
		['a wrong secret in Basic', { grant_type: 'client_credentials' }, basicOf('builder', NO_WORD)],
		['the beginning of the secret', { ...COSIGN_FORM, client_secret: SECRET.slice(0, -1) }, undefined],
		['an unknown client', { ...COSIGN_FORM, client_id: 'nobody' }, undefined],
		['a member of Object as client', { ...COSIGN_FORM, client_id: '__proto__' }, undefined],
	] as [string, Record<string, string>, string?][])('for %s', async (_what, form, basic) => {
		const answer = await requestToken(discovery, form, basic);
		expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
		expect(Object.keys(answer.body)).toEqual(['error', 'error_description']);
	});

	it('when it asks for the identity of a person', async () => {
		const form = { ...COSIGN_FORM, grant_type: 'authorization_code', code: 'x', redirect_uri: 'http://localhost/' };
		expect(await requestToken(discovery, form)).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
		const url = `${discovery.authorization_endpoint}?client_id=builder&response_type=code&redirect_uri=http://localhost/`;
		expect((await fetch(url, { redirect: 'manual' })).status).toBe(400);
	});

	it('when a client without a secret asks for an identity of its own', async () => {
		const answer = await requestToken(discovery, { grant_type: 'client_credentials', client_id: 'sigstore' });
		expect(answer).toMatchObject({ status: 400, body: { error: 'invalid_request' } });
	});

	it('after too many wrong secrets, also with the right one, and no other client for it', async () => {
		const { database } = server.test;
		await requestToken(discovery, { ...COSIGN_FORM, client_secret: NO_WORD });
		const counted = await database.query<{ guesses: number }>(
			`select guesses from identity.wrong_guesses where counter = 'client-secret/builder'`,
		);
		expect(counted[0]?.guesses).toBeGreaterThan(0);
		await database.query(`update identity.wrong_guesses set guesses = 3000 where counter = 'client-secret/builder'`);
		const response = await fetch(discovery.token_endpoint, { method: 'POST', body: new URLSearchParams(COSIGN_FORM) });
		expect(response.status).toBe(429);
		expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
		expect(await response.json()).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
		const other = { ...COSIGN_FORM, client_id: 'other:client', client_secret: NO_WORD };
		expect((await requestToken(discovery, other)).status).toBe(200);
		await database.query('delete from identity.wrong_guesses');
		expect((await requestToken(discovery, COSIGN_FORM)).status).toBe(200);
	});

	it('and recorded once with where it came from, without the secret', async () => {
		server.logged.length = 0;
		await requestToken(discovery, { ...COSIGN_FORM, client_secret: NO_WORD });
		const lines = server.logged.filter((line) => line.includes('"audit":true'));
		expect(lines).toHaveLength(1);
		expect(JSON.parse(lines[0] ?? '')).toMatchObject({
			kind: 'client-credentials',
			outcome: 'refused',
			reason: 'wrong-secret',
			clientId: 'builder',
			clientAddress: '127.0.0.1',
			requestId: expect.stringMatching(/./),
		});
		expect(server.logged.join('')).not.toContain(NO_WORD);
	});
});

describe('the grant', () => {
	it('records who got tokens', async () => {
		await requestToken(discovery, COSIGN_FORM);
		const [event] = await server.test.database.query(
			`select kind, outcome, connector_id, email, client_id, client_address from identity.audit_events
			order by happened_at desc limit 1`,
		);
		expect(event).toEqual({
			kind: 'client-credentials',
			outcome: 'accepted',
			connector_id: server.issuer,
			email: 'builder@example.com',
			client_id: 'builder',
			client_address: '127.0.0.1',
		});
	});

	it('is announced with its ways to authenticate, and counted', async () => {
		expect(discovery.grant_types_supported).toContain('client_credentials');
		expect(discovery.token_endpoint_auth_methods_supported).toEqual(
			expect.arrayContaining(['none', 'client_secret_basic', 'client_secret_post']),
		);
		await requestToken(discovery, COSIGN_FORM);
		const series = await server.service.metrics?.print();
		expect(series).toMatch(/identity_tokens_total\{.*grant="client_credentials",outcome="issued".*\} [1-9]/);
	});

	it('does not exist where no machine client is configured', async () => {
		const bare = await startIdentityServer();
		try {
			const found = await discover(bare.issuer);
			expect(found.grant_types_supported).not.toContain('client_credentials');
			expect((await requestToken(found, COSIGN_FORM)).body.error).toBe('invalid_client');
		} finally {
			await bare.stop();
			await bare.test.drop();
		}
	});

	it.each([
		['short', /machine client builder is shorter/],
		['a secret with an ümlaut in it', /machine client builder has characters/],
	])('is not started with the secret %j', async (secret, message) => {
		const bad = startIdentityServer({ environment: { BUILDER: secret, OTHER: NO_WORD }, config: configOf({}) });
		await expect(bad).rejects.toThrow(message);
	});
});
