import { assembleToken, generateSigningKey, type SigningKey, startTokenIssuer } from '@chancery/testkit/token-issuer';
import { TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '@chancery/wire/identity';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Discovery, discover } from '../../test/code-flow.ts';
import { exchange, GITHUB_CLAIMS, type Machines, startMachines } from '../../test/exchange.ts';
import { startIdentityServer } from '../../test/identity-server.ts';

let machines: Machines;
let otherKey: SigningKey;

beforeAll(async () => {
	machines = await startMachines();
	otherKey = await generateSigningKey('ES256', 'second');
});

afterAll(async () => {
	await machines.stop();
});

const clock = () => machines.nowMs;
const nowSeconds = () => Math.floor(machines.nowMs / 1000);

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });
const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`claim${i}`, i]));

describe('a subject token is refused', () => {
	it.each([
		['for another audience', { aud: 'sigstore' }, "'aud' is 'sigstore'"],
		['that has expired', { iat: -400, exp: -300 }, 'expired'],
		['that expires this very second', { exp: 0 }, 'expired'],
		['that is too old although it is valid', { iat: -600, exp: 3600 }, 'issued 600 s ago'],
		['of the future', { iat: 120 }, 'future'],
		['that is not valid yet', { nbf: 120 }, 'future'],
		['without a time of issue', { iat: undefined }, "no claim 'iat'"],
		['without an expiry', { exp: undefined }, "no claim 'exp'"],
		['without a subject', { sub: undefined }, "'sub'"],
		['that breaks a rule', { repository_owner: 'octo-org-evil' }, "'repository_owner'"],
		['without the claim of a rule', { repository_owner: undefined }, "'repository_owner'"],
		['of an issuer that is not configured', { iss: 'https://elsewhere.example' }, 'not accepted here'],
		['of an issuer that is almost configured', { iss: 'slash' }, 'not accepted here'],
		['that is bound to a key', { cnf: { jkt: 'x'.repeat(43) } }, 'bound to a key'],
		['with too many claims', many, 'claims'],
		['with claims that are too long', { text: 'x'.repeat(9000) }, 'characters'],
		['that is too long', { text: 'x'.repeat(16_000) }, 'characters'],
		['that is too deep', { deep: nested(10) }, 'levels'],
		['that is far too deep', { deep: nested(100) }, 'not JSON'],
	] as [string, Record<string, unknown>, string][])('%s', async (_what, changes, says) => {
		const times = Object.entries(changes).map(([name, value]) => [
			name,
			['iat', 'exp', 'nbf'].includes(name) && typeof value === 'number' ? nowSeconds() + value : value,
		]);
		const claims = {
			...Object.fromEntries(times),
			...(changes.iss === 'slash' ? { iss: `${machines.github.url}/` } : {}),
		};
		await refused(await machines.githubToken(claims), says);
	});

	it.each([
		['alg none', () => assembleToken({ alg: 'none' }, { iss: machines.github.url }), "'alg' is 'none'"],
		['a MAC', () => assembleToken({ alg: 'HS256' }, { iss: machines.github.url }, 'AAAA'), "'alg' is 'HS256'"],
		['no JWT', () => 'a-token', 'three parts'],
		['a JWE', () => 'a.b.c.d.e', 'three parts'],
	])('%s', async (_what, token, says) => {
		await refused(token(), says);
	});

	it('that a MAC with the public key signed', async () => {
		const secret = new TextEncoder().encode(JSON.stringify(machines.github.key.jwk));
		const token = await new SignJWT({ ...GITHUB_CLAIMS, iss: machines.github.url, aud: machines.server.issuer })
			.setProtectedHeader({ alg: 'HS256', kid: 'first' })
			.sign(secret);
		await refused(token, "'alg' is 'HS256'");
	});

	it('that another key signed, under its own name and under that of the right one', async () => {
		await refused(await machines.githubToken({}, { key: { ...otherKey, kid: 'first' } }), 'no key of the issuer');
		machines.nowMs += 20_000;
		await refused(await machines.githubToken({}, { key: otherKey }), 'key');
	});

	it('until the issuer has the key, and again when it has it no more', async () => {
		machines.nowMs += 20_000;
		machines.github.published.keys = [otherKey.jwk];
		expect((await exchange(machines.server.issuer, await machines.githubToken({}, { key: otherKey }))).status).toBe(
			200,
		);
		const early = await exchange(machines.server.issuer, await machines.githubToken());
		expect(early).toMatchObject({ status: 429, body: { error: 'temporarily_unavailable' } });
		expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0);
		machines.nowMs += 20_000;
		await refused(await machines.githubToken(), 'no key');
		machines.github.published.keys = [machines.github.key.jwk];
		machines.nowMs += 20_000;
		expect((await exchange(machines.server.issuer, await machines.githubToken())).status).toBe(200);
	});

	it('for a while with 503 when the keys of its issuer cannot be fetched', async () => {
		const away = await startTokenIssuer(clock);
		away.published.status = 500;
		const config = { machineIssuers: [{ name: 'away', issuer: away.url }] };
		const own = await startIdentityServer({ clock, config });
		try {
			const answer = await exchange(own.issuer, await away.mint({ aud: own.issuer }));
			expect(answer.status).toBe(503);
			expect(answer.body).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
			expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
			expect(JSON.stringify(answer.body)).not.toContain('127.0.0.1');
			expect((await own.service.health()).checks[`machine issuer ${away.url}`]).toMatchObject({ ok: false });
			expect((await own.service.health()).ready).toBe(true);
			away.published.status = 200;
			machines.nowMs += 60_000;
			expect((await exchange(own.issuer, await away.mint({ aud: own.issuer }))).status).toBe(200);
		} finally {
			await own.stop();
			await own.test.drop();
			await away.close();
		}
	});

	it('with 503 when the database is away, and may then be tried again', async () => {
		const token = await machines.githubToken();
		await machines.server.test.database.query('alter table identity.exchanged_tokens rename to gone');
		const answer = await exchange(machines.server.issuer, token);
		await machines.server.test.database.query('alter table identity.gone rename to exchanged_tokens');
		expect(answer.status).toBeGreaterThanOrEqual(500);
		expect(answer.body).not.toHaveProperty('access_token');
		expect((await exchange(machines.server.issuer, token)).status).toBe(200);
	});
});

async function refused(token: string, says: string, error = 'invalid_request'): Promise<void> {
	const answer = await exchange(machines.server.issuer, token);
	expect(answer.body).toEqual({ error, error_description: expect.stringContaining(says) });
	expect(answer.status).toBe(400);
	expect(answer.body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
}

describe('a request is refused', () => {
	it.each([
		['for an audience that is not ours', { audience: 'https://elsewhere.example' }, 'invalid_target'],
		['for two audiences', { audience: ['sigstore', 'other-client'] }, 'invalid_request'],
		['for a resource', { resource: 'https://elsewhere.example' }, 'invalid_target'],
		['with an actor', { actor_token: 'x', actor_token_type: TOKEN_TYPES.jwt }, 'invalid_request'],
		['for an unknown type', { requested_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
		[
			'for a refresh token',
			{ requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
			'invalid_request',
		],
		[
			'with a token of an unknown type',
			{ subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' },
			'invalid_request',
		],
		['without the type of its token', { subject_token_type: undefined }, 'invalid_request'],
		['without a token', { subject_token: undefined }, 'invalid_request'],
		['with an empty token', { subject_token: '' }, 'invalid_request'],
		['with two tokens', { subject_token: ['a.b.c', 'd.e.f'] }, 'invalid_request'],
		['with the connector of another issuer', { connector_id: 'https://elsewhere.example' }, 'invalid_request'],
		['with a scope that is none', { scope: 'open"id' }, 'invalid_scope'],
		['with the name of a member of Object', { subject_token_type: '__proto__' }, 'invalid_request'],
	] as [string, Record<string, string | string[] | undefined>, string][])('%s', async (_what, extra, error) => {
		const answer = await exchange(machines.server.issuer, await machines.githubToken(), extra);
		expect(answer).toMatchObject({ status: 400, body: { error } });
		expect(answer.body).not.toHaveProperty('access_token');
	});

	it.each(['audience', 'connector_id'])('without repeating a token that is in the place of %s', async (name) => {
		const token = await machines.githubToken();
		const { status, body } = await exchange(machines.server.issuer, token, { [name]: token });
		expect(status).toBe(400);
		expect(JSON.stringify(body)).not.toContain(token.slice(0, 40));
	});

	it('of a client that does not exist', async () => {
		const answer = await exchange(machines.server.issuer, await machines.githubToken(), { client_id: 'nobody' });
		expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
		expect(
			(await exchange(machines.server.issuer, await machines.githubToken(), { client_id: undefined })).status,
		).toBe(400);
	});

	it('where no machine issuer is configured, and the grant is not announced there', async () => {
		const bare = await startIdentityServer();
		try {
			expect((await exchange(bare.issuer, 'a.b.c')).body.error).toBe('unsupported_grant_type');
			expect(grants(await discover(bare.issuer))).not.toContain(TOKEN_EXCHANGE_GRANT);
			const document = await fetch(`${bare.publicUrl}/machines/github/.well-known/openid-configuration`);
			expect(document.status).toBe(404);
		} finally {
			await bare.stop();
			await bare.test.drop();
		}
	});
});

const grants = (discovery: Discovery) => discovery.grant_types_supported as string[];
