import { SeededRandom } from '@chancery/testkit/seeded-random';
import {
	assembleToken,
	generateSigningKey,
	type SigningKey,
	startTokenIssuer,
	type TokenIssuer,
} from '@chancery/testkit/token-issuer';
import { TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '@chancery/wire/identity';
import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Discovery, discover } from '../../test/code-flow.ts';
import { exchange, GITHUB_CLAIMS, KUBERNETES_CLAIMS } from '../../test/exchange.ts';
import { type IdentityServer, startIdentityServer } from '../../test/identity-server.ts';

const GITHUB = 'https://token.actions.githubusercontent.com';
let nowMs = 1_800_000_000_000;
const clock = () => nowMs;
const nowSeconds = () => Math.floor(nowMs / 1000);

let github: TokenIssuer;
let cluster: TokenIssuer;
let server: IdentityServer;
let otherKey: SigningKey;
let serial = 0;

beforeAll(async () => {
	github = await startTokenIssuer(clock);
	cluster = await startTokenIssuer(clock);
	otherKey = await generateSigningKey('ES256', 'second');
	server = await startIdentityServer({ clock, config: configOf() });
});

afterAll(async () => {
	await server.stop();
	await server.test.drop();
	await github.close();
	await cluster.close();
});

/** A token of a run of GitHub Actions that this service accepts, unlike any before. */
const githubToken = (claims: Record<string, unknown> = {}, options?: Parameters<TokenIssuer['mint']>[1]) =>
	github.mint(
		{ ...GITHUB_CLAIMS, aud: server.issuer, exp: nowSeconds() + 300, jti: `run-${++serial}`, ...claims },
		options,
	);

/** Verified as somebody does who knows nothing but the issuer. */
async function verified(token: unknown, name: string) {
	const issuer = `${server.publicUrl}/machines/${name}`;
	const discovery = await discover(issuer);
	expect(discovery.issuer).toBe(issuer);
	const { payload } = await jwtVerify(String(token), createRemoteJWKSet(new URL(discovery.jwks_uri)), {
		issuer,
		audience: 'sigstore',
		currentDate: new Date(nowMs),
	});
	return payload;
}

describe('a token of a machine issuer is exchanged', () => {
	it('for one with its claims, of an issuer of its own, that names who vouched', async () => {
		const answer = await exchange(server.issuer, await githubToken({ nonce: 'n', azp: 'a', at_hash: 'h', nbf: 1 }));
		expect(answer).toMatchObject({
			status: 200,
			body: { issued_token_type: TOKEN_TYPES.idToken, token_type: 'N_A', expires_in: 120 },
		});
		expect(Object.keys(answer.body).sort()).toEqual(['access_token', 'expires_in', 'issued_token_type', 'token_type']);
		expect(answer.headers.get('cache-control')).toBe('no-store');
		expect(await verified(answer.body.access_token, 'github')).toEqual({
			...GITHUB_CLAIMS,
			iss: `${server.publicUrl}/machines/github`,
			aud: 'sigstore',
			iat: nowSeconds(),
			exp: nowSeconds() + 120,
			jti: expect.any(String),
			federated_claims: { connector_id: GITHUB, user_id: GITHUB_CLAIMS.sub },
		});
	});

	it('as often as the platform hands it out, where that is configured, by the age that is', async () => {
		const token = await cluster.mint({
			...KUBERNETES_CLAIMS,
			aud: ['https://builds', 'vault'],
			iat: nowSeconds() - 3599,
			exp: nowSeconds() + 3600,
		});
		for (let times = 0; times < 3; times++) {
			const answer = await exchange(server.issuer, token, { subject_token_type: TOKEN_TYPES.jwt });
			expect(answer.status).toBe(200);
			expect(await verified(answer.body.access_token, 'cluster')).toMatchObject({
				...KUBERNETES_CLAIMS,
				// The issuer itself, when no connector is named.
				federated_claims: { connector_id: cluster.url, user_id: KUBERNETES_CLAIMS.sub },
			});
		}
	});

	it('for one that does not outlive it', async () => {
		const answer = await exchange(server.issuer, await githubToken({ exp: nowSeconds() + 17 }));
		expect(answer.body.expires_in).toBe(17);
		expect((await verified(answer.body.access_token, 'github')).exp).toBe(nowSeconds() + 17);
	});

	it('whatever it says itself of who vouched for it', async () => {
		const forged = { connector_id: 'https://accounts.example', user_id: 'root' };
		const answer = await exchange(server.issuer, await githubToken({ federated_claims: forged }));
		expect((await verified(answer.body.access_token, 'github')).federated_claims).toEqual({
			connector_id: GITHUB,
			user_id: GITHUB_CLAIMS.sub,
		});
	});

	it.each([
		['with the client in Basic and a secret that nobody looks at', { client_id: undefined }, 'Basic c2lnc3RvcmU6eA=='],
		['with a secret of a public client in the form', { client_secret: 'x' }],
		['with the connector that is its', { connector_id: GITHUB }],
		['for the audience of another client', { audience: 'other-client' }],
		['for the client itself when no audience is named', { audience: undefined }],
		['with an empty actor, as forms have it', { actor_token: '', actor_token_type: '' }],
	] as [string, Record<string, string | undefined>, string?][])('%s', async (_what, extra, authorization) => {
		const answer = await exchange(server.issuer, await githubToken(), extra, authorization ? { authorization } : {});
		expect(answer).toMatchObject({ status: 200 });
	});

	it.each([
		[TOKEN_TYPES.idToken, 'N_A'],
		[TOKEN_TYPES.jwt, 'N_A'],
		[TOKEN_TYPES.accessToken, 'Bearer'],
	])('for the type %s', async (type, tokenType) => {
		const answer = await exchange(server.issuer, await githubToken(), {
			requested_token_type: type,
			subject_token_type: type,
			scope: 'openid email',
		});
		expect(answer.body).toMatchObject({ issued_token_type: type, token_type: tokenType, scope: 'openid' });
	});
});

describe('a token is exchanged once', () => {
	it('however often and by however many at once it is tried', async () => {
		const token = await githubToken();
		const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(server.issuer, token)));
		expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
		for (const { body } of answers.filter(({ status }) => status !== 200))
			expect(body).toEqual({
				error: 'invalid_request',
				error_description: expect.stringContaining('exchanged before'),
			});
		expect((await exchange(server.issuer, token)).status).toBe(400);
	});

	it('also on another replica, and after a restart', async () => {
		const token = await githubToken();
		expect((await exchange(server.issuer, token)).status).toBe(200);
		await server.stop();
		server = await startIdentityServer({ clock, config: configOf(), continueFrom: server });
		expect((await exchange(server.issuer, token)).body.error_description).toContain('exchanged before');
	});

	it('and not again under the other signature that every ECDSA signature has', async () => {
		const token = await githubToken();
		expect((await exchange(server.issuer, token)).status).toBe(200);
		const twin = withOtherSignature(token);
		expect(twin).not.toBe(token);
		// The twin is as valid a signature, or this test says nothing.
		await jwtVerify(twin, github.key.jwk, { currentDate: new Date(nowMs) });
		expect((await exchange(server.issuer, twin)).body.error_description).toContain('exchanged before');
	});

	it('is remembered for as long as it would be accepted', async () => {
		await exchange(server.issuer, await githubToken({ exp: nowSeconds() + 100 }));
		const rows = await server.test.database.query<{ least: Date; token: string }>(
			'select min(expires_at) as least from identity.exchanged_tokens where expires_at > $1',
			[new Date(nowMs)],
		);
		expect(rows[0]?.least.getTime()).toBeGreaterThanOrEqual(nowMs + 100_000);
	});

	it('and a refused request does not use it up', async () => {
		const token = await githubToken();
		expect((await exchange(server.issuer, token, { audience: 'elsewhere' })).status).toBe(400);
		expect((await exchange(server.issuer, token, { connector_id: 'elsewhere' })).status).toBe(400);
		expect((await exchange(server.issuer, token)).status).toBe(200);
	});
});

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
		['that is bound to a key', { cnf: { jkt: 'x' } }, 'bound to a key'],
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
		const claims = { ...Object.fromEntries(times), ...(changes.iss === 'slash' ? { iss: `${github.url}/` } : {}) };
		await refused(await githubToken(claims), says);
	});

	it.each([
		['alg none', () => assembleToken({ alg: 'none' }, { iss: github.url }), "'alg' is 'none'"],
		['a MAC', () => assembleToken({ alg: 'HS256' }, { iss: github.url }, 'AAAA'), "'alg' is 'HS256'"],
		['no JWT', () => 'a-token', 'three parts'],
		['a JWE', () => 'a.b.c.d.e', 'three parts'],
	])('%s', async (_what, token, says) => {
		await refused(token(), says);
	});

	it('that a MAC with the public key signed', async () => {
		const secret = new TextEncoder().encode(JSON.stringify(github.key.jwk));
		const token = await new SignJWT({ ...GITHUB_CLAIMS, iss: github.url, aud: server.issuer })
			.setProtectedHeader({ alg: 'HS256', kid: 'first' })
			.sign(secret);
		await refused(token, "'alg' is 'HS256'");
	});

	it('that another key signed, under its own name and under that of the right one', async () => {
		await refused(await githubToken({}, { key: { ...otherKey, kid: 'first' } }), 'no key of the issuer');
		nowMs += 20_000;
		await refused(await githubToken({}, { key: otherKey }), 'key');
	});

	it('until the issuer has the key, and again when it has it no more', async () => {
		nowMs += 20_000;
		github.published.keys = [otherKey.jwk];
		expect((await exchange(server.issuer, await githubToken({}, { key: otherKey }))).status).toBe(200);
		await refused(await githubToken(), 'key');
		github.published.keys = [github.key.jwk];
		nowMs += 20_000;
		expect((await exchange(server.issuer, await githubToken())).status).toBe(200);
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
			nowMs += 60_000;
			expect((await exchange(own.issuer, await away.mint({ aud: own.issuer }))).status).toBe(200);
		} finally {
			await own.stop();
			await own.test.drop();
			await away.close();
		}
	});

	it('with 503 when the database is away, and may then be tried again', async () => {
		const token = await githubToken();
		await server.test.database.query('alter table identity.exchanged_tokens rename to gone');
		const answer = await exchange(server.issuer, token);
		await server.test.database.query('alter table identity.gone rename to exchanged_tokens');
		expect(answer.status).toBeGreaterThanOrEqual(500);
		expect(answer.body).not.toHaveProperty('access_token');
		expect((await exchange(server.issuer, token)).status).toBe(200);
	});
});

async function refused(token: string, says: string, error = 'invalid_request'): Promise<void> {
	const answer = await exchange(server.issuer, token);
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
		const answer = await exchange(server.issuer, await githubToken(), extra);
		expect(answer).toMatchObject({ status: 400, body: { error } });
		expect(answer.body).not.toHaveProperty('access_token');
	});

	it('of a client that does not exist', async () => {
		const answer = await exchange(server.issuer, await githubToken(), { client_id: 'nobody' });
		expect(answer).toMatchObject({ status: 401, body: { error: 'invalid_client' } });
		expect((await exchange(server.issuer, await githubToken(), { client_id: undefined })).status).toBe(400);
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

describe('the exchange', () => {
	it('is announced', async () => {
		expect(grants(await discover(server.issuer))).toContain(TOKEN_EXCHANGE_GRANT);
	});

	it('counts what it issued and refused, and writes no token to the log', async () => {
		const token = await githubToken();
		const answer = await exchange(server.issuer, token);
		await exchange(server.issuer, token);
		const series = await server.service.metrics?.print();
		expect(series).toMatch(/identity_tokens_total\{.*grant="token_exchange",outcome="issued".*\} [1-9]/);
		expect(series).toMatch(/identity_tokens_total\{.*grant="token_exchange",outcome="refused".*\} [1-9]/);
		const log = server.logged.join('\n');
		expect(log).toContain('a token was exchanged');
		expect(log).toContain(GITHUB_CLAIMS.sub);
		for (const secret of [...token.split('.').slice(1), ...String(answer.body.access_token).split('.').slice(1)])
			expect(log).not.toContain(secret);
	});

	it('never gives a token for one that was changed, nor fails over it', async () => {
		const random = new SeededRandom(20_261_130);
		const token = await githubToken();
		const [header = '', payload = '', signature = ''] = token.split('.');
		const tokens = [
			`${header}.${payload}.`,
			`${header}..${signature}`,
			`.${payload}.${signature}`,
			`${header}.${payload}.${signature}=`,
			`${header}.${payload}.${signature}.`,
			` ${token}`,
			`${token}\u0000`,
			'.'.repeat(10_000),
			'\ud800.\ud800.\ud800',
		];
		for (let round = 0; round < 200; round++) {
			const at = random.below(token.length);
			const replacement = 'AZaz09-_.=+/% \u0000é'.charAt(random.below(17));
			if (token[at] !== replacement) tokens.push(token.slice(0, at) + replacement + token.slice(at + 1));
		}
		for (const changed of tokens) {
			const answer = await exchange(server.issuer, changed);
			expect(answer.body, changed).not.toHaveProperty('access_token');
			// 503: a changed name of a key or an issuer may be one that the issuer is asked for.
			expect([400, 503], changed).toContain(answer.status);
		}
		expect((await exchange(server.issuer, token)).status).toBe(200);
	});
});

const grants = (discovery: Discovery) => discovery.grant_types_supported as string[];

function configOf(): Record<string, unknown> {
	return {
		clients: ['sigstore', 'other-client'],
		machineIssuers: [
			{
				name: 'github',
				issuer: github.url,
				connectorId: GITHUB,
				rules: [{ claim: 'repository_owner', anyOf: ['octo-org'] }],
			},
			{ name: 'cluster', issuer: cluster.url, audience: 'https://builds', maxAgeSeconds: 3600, reuse: 'until-expiry' },
		],
	};
}

/** Order of the group of P-256 (FIPS 186-5): with (r, s) also (r, n - s) is a signature of the same message. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function withOtherSignature(token: string): string {
	const [header, payload, signature = ''] = token.split('.');
	const bytes = Buffer.from(signature, 'base64url');
	const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
	bytes.set(Buffer.from((N - s).toString(16).padStart(64, '0'), 'hex'), 32);
	return `${header}.${payload}.${bytes.toString('base64url')}`;
}
