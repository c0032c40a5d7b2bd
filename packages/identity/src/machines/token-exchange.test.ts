import { SeededRandom } from '@chancery/testkit/seeded-random';
import { generateSigningKey, type SigningKey } from '@chancery/testkit/token-issuer';
import { TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '@chancery/wire/identity';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Discovery, discover } from '../../test/code-flow.ts';
import {
	exchange,
	GITHUB_CLAIMS,
	GITHUB_CONNECTOR,
	KUBERNETES_CLAIMS,
	type Machines,
	startMachines,
} from '../../test/exchange.ts';
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

/** Verified as somebody does who knows nothing but the issuer. */
async function verified(token: unknown, name: string) {
	const issuer = `${machines.server.publicUrl}/machines/${name}`;
	const discovery = await discover(issuer);
	expect(discovery.issuer).toBe(issuer);
	const { payload } = await jwtVerify(String(token), createRemoteJWKSet(new URL(discovery.jwks_uri)), {
		issuer,
		audience: 'sigstore',
		currentDate: new Date(machines.nowMs),
	});
	return payload;
}

describe('a token of a machine issuer is exchanged', () => {
	it('for one with its claims, of an issuer of its own, that names who vouched', async () => {
		const answer = await exchange(
			machines.server.issuer,
			await machines.githubToken({ nonce: 'n', azp: 'a', at_hash: 'h', nbf: 1 }),
		);
		expect(answer).toMatchObject({
			status: 200,
			body: { issued_token_type: TOKEN_TYPES.idToken, token_type: 'N_A', expires_in: 120 },
		});
		expect(Object.keys(answer.body).sort()).toEqual(['access_token', 'expires_in', 'issued_token_type', 'token_type']);
		expect(answer.headers.get('cache-control')).toBe('no-store');
		expect(await verified(answer.body.access_token, 'github')).toEqual({
			...GITHUB_CLAIMS,
			iss: `${machines.server.publicUrl}/machines/github`,
			aud: 'sigstore',
			iat: nowSeconds(),
			exp: nowSeconds() + 120,
			jti: expect.any(String),
			federated_claims: { connector_id: GITHUB_CONNECTOR, user_id: GITHUB_CLAIMS.sub },
		});
	});

	it('as often as the platform hands it out, where that is configured, by the age that is', async () => {
		const token = await machines.cluster.mint({
			...KUBERNETES_CLAIMS,
			aud: ['https://builds', 'vault'],
			iat: nowSeconds() - 3599,
			exp: nowSeconds() + 3600,
		});
		for (let times = 0; times < 3; times++) {
			const answer = await exchange(machines.server.issuer, token, { subject_token_type: TOKEN_TYPES.jwt });
			expect(answer.status).toBe(200);
			expect(await verified(answer.body.access_token, 'cluster')).toMatchObject({
				...KUBERNETES_CLAIMS,
				// The issuer itself, when no connector is named.
				federated_claims: { connector_id: machines.cluster.url, user_id: KUBERNETES_CLAIMS.sub },
			});
		}
	});

	it.each([
		[
			'a service account token of a cluster that nobody outside reaches',
			'https://kubernetes.default.svc.cluster.local',
			KUBERNETES_CLAIMS,
			undefined,
		],
		[
			'a JWT-SVID, with the keys of the bundle',
			'https://oidc-discovery.example.org',
			{ sub: 'spiffe://example.org/ns/builds/sa/release' },
			'jwt-svid',
		],
	])('when it is %s', async (_what, issuer, claims, use) => {
		const keys = [{ ...otherKey.jwk, ...(use ? { use } : {}) }];
		const config = { machineIssuers: [{ name: 'inline', issuer, jwks: { keys } }] };
		const own = await startIdentityServer({ clock, config, fetch: () => Promise.reject(new Error('nobody is asked')) });
		try {
			const token = await machines.github.mint({ ...claims, iss: issuer, aud: [own.issuer] }, { key: otherKey });
			const answer = await exchange(own.issuer, token, { subject_token_type: TOKEN_TYPES.jwt });
			expect(answer.status).toBe(200);
			expect(decodeJwt(String(answer.body.access_token))).toMatchObject({
				...claims,
				iss: `${own.publicUrl}/machines/inline`,
				federated_claims: { connector_id: issuer, user_id: claims.sub },
			});
			const other = await machines.github.mint({ ...claims, iss: issuer, aud: [own.issuer] });
			expect((await exchange(own.issuer, other)).body.error_description).toContain('no key');
		} finally {
			await own.stop();
			await own.test.drop();
		}
	});

	it('for one that does not outlive it', async () => {
		const answer = await exchange(machines.server.issuer, await machines.githubToken({ exp: nowSeconds() + 17 }));
		expect(answer.body.expires_in).toBe(17);
		expect((await verified(answer.body.access_token, 'github')).exp).toBe(nowSeconds() + 17);
	});

	it('whatever it says itself of who vouched for it', async () => {
		const forged = { connector_id: 'https://accounts.example', user_id: 'root' };
		const answer = await exchange(machines.server.issuer, await machines.githubToken({ federated_claims: forged }));
		expect((await verified(answer.body.access_token, 'github')).federated_claims).toEqual({
			connector_id: GITHUB_CONNECTOR,
			user_id: GITHUB_CLAIMS.sub,
		});
	});

	it.each([
		['with the client in Basic and a secret that nobody looks at', { client_id: undefined }, 'Basic c2lnc3RvcmU6eA=='],
		['with a secret of a public client in the form', { client_secret: 'x' }],
		['with the connector that is its', { connector_id: GITHUB_CONNECTOR }],
		['for the audience of another client', { audience: 'other-client' }],
		['for the client itself when no audience is named', { audience: undefined }],
		['with an empty actor, as forms have it', { actor_token: '', actor_token_type: '' }],
	] as [string, Record<string, string | undefined>, string?][])('%s', async (_what, extra, authorization) => {
		const answer = await exchange(
			machines.server.issuer,
			await machines.githubToken(),
			extra,
			authorization ? { authorization } : {},
		);
		expect(answer).toMatchObject({ status: 200 });
	});

	it.each([
		[TOKEN_TYPES.idToken, 'N_A'],
		[TOKEN_TYPES.jwt, 'N_A'],
		[TOKEN_TYPES.accessToken, 'Bearer'],
	])('for the type %s', async (type, tokenType) => {
		const answer = await exchange(machines.server.issuer, await machines.githubToken(), {
			requested_token_type: type,
			subject_token_type: type,
			scope: 'openid email',
		});
		expect(answer.body).toMatchObject({ issued_token_type: type, token_type: tokenType, scope: 'openid' });
	});
});

describe('a token is exchanged once', () => {
	it('however often and by however many at once it is tried', async () => {
		const token = await machines.githubToken();
		const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(machines.server.issuer, token)));
		expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
		for (const { body } of answers.filter(({ status }) => status !== 200))
			expect(body).toEqual({
				error: 'invalid_request',
				error_description: expect.stringContaining('exchanged before'),
			});
		expect((await exchange(machines.server.issuer, token)).status).toBe(400);
	});

	it('and each time that is, one event is recorded with it', async () => {
		const subject = `run-of-${machines.nowMs}`;
		const token = await machines.githubToken({ sub: subject });
		await Promise.all(Array.from({ length: 5 }, () => exchange(machines.server.issuer, token)));
		const rows = await machines.server.test.database.query(
			'select kind, outcome, connector_id, client_id, client_address from identity.audit_events where subject = $1',
			[subject],
		);
		expect(rows).toEqual([
			{
				kind: 'token-exchange',
				outcome: 'accepted',
				connector_id: GITHUB_CONNECTOR,
				client_id: 'sigstore',
				client_address: '127.0.0.1',
			},
		]);
	});

	it('also on another replica, and after a restart', async () => {
		const token = await machines.githubToken();
		expect((await exchange(machines.server.issuer, token)).status).toBe(200);
		await machines.server.stop();
		machines.server = await startIdentityServer({ clock, config: machines.config, continueFrom: machines.server });
		expect((await exchange(machines.server.issuer, token)).body.error_description).toContain('exchanged before');
	});

	it('and not again under the other signature that every ECDSA signature has', async () => {
		const token = await machines.githubToken();
		expect((await exchange(machines.server.issuer, token)).status).toBe(200);
		const twin = withOtherSignature(token);
		expect(twin).not.toBe(token);
		// The twin is as valid a signature, or this test says nothing.
		await jwtVerify(twin, machines.github.key.jwk, { currentDate: new Date(machines.nowMs) });
		expect((await exchange(machines.server.issuer, twin)).body.error_description).toContain('exchanged before');
	});

	it('is remembered for as long as it would be accepted', async () => {
		await exchange(machines.server.issuer, await machines.githubToken({ exp: nowSeconds() + 100 }));
		const rows = await machines.server.test.database.query<{ least: Date; token: string }>(
			'select min(expires_at) as least from identity.exchanged_tokens where expires_at > $1',
			[new Date(machines.nowMs)],
		);
		expect(rows[0]?.least.getTime()).toBeGreaterThanOrEqual(machines.nowMs + 100_000);
	});

	it('and a refused request does not use it up', async () => {
		const token = await machines.githubToken();
		expect((await exchange(machines.server.issuer, token, { audience: 'elsewhere' })).status).toBe(400);
		expect((await exchange(machines.server.issuer, token, { connector_id: 'elsewhere' })).status).toBe(400);
		expect((await exchange(machines.server.issuer, token)).status).toBe(200);
	});
});

describe('the exchange', () => {
	it('is announced', async () => {
		expect(grants(await discover(machines.server.issuer))).toContain(TOKEN_EXCHANGE_GRANT);
	});

	it('is recorded with the machine, and a refusal in the log alone', async () => {
		const token = await machines.githubToken({ sub: 'repo:octo-org/recorded:ref:refs/heads/main' });
		await exchange(machines.server.issuer, token);
		machines.server.logged.length = 0;
		await exchange(machines.server.issuer, token);
		const { database } = machines.server.test;
		const events = `select kind, outcome, connector_id, client_id, client_address from identity.audit_events where subject = $1`;
		expect(await database.query(events, ['repo:octo-org/recorded:ref:refs/heads/main'])).toEqual([
			{
				kind: 'token-exchange',
				outcome: 'accepted',
				connector_id: GITHUB_CONNECTOR,
				client_id: 'sigstore',
				client_address: '127.0.0.1',
			},
		]);
		const lines = machines.server.logged.filter((line) => line.includes('"audit":true'));
		expect(lines.map((line) => JSON.parse(line))).toMatchObject([
			{ kind: 'token-exchange', outcome: 'refused', reason: 'token-used', clientId: 'sigstore' },
		]);
	});

	it('counts what it issued and refused, and writes no token to the log', async () => {
		const token = await machines.githubToken();
		const answer = await exchange(machines.server.issuer, token);
		await exchange(machines.server.issuer, token);
		const series = await machines.server.service.metrics?.print();
		expect(series).toMatch(/identity_tokens_total\{.*grant="token_exchange",outcome="issued".*\} [1-9]/);
		expect(series).toMatch(/identity_tokens_total\{.*grant="token_exchange",outcome="refused".*\} [1-9]/);
		const log = machines.server.logged.join('\n');
		expect(log).toContain('token-exchange accepted');
		expect(log).toContain(GITHUB_CLAIMS.sub);
		for (const secret of [...token.split('.').slice(1), ...String(answer.body.access_token).split('.').slice(1)])
			expect(log).not.toContain(secret);
	});

	it('never gives a token for one that was changed, nor fails over it', async () => {
		const random = new SeededRandom(20_261_130);
		const token = await machines.githubToken();
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
			const answer = await exchange(machines.server.issuer, changed);
			expect(answer.body, changed).not.toHaveProperty('access_token');
			// 429: with a changed name of a key the issuer is asked for it, which is not done for every such name.
			expect([400, 429], changed).toContain(answer.status);
		}
		expect((await exchange(machines.server.issuer, token)).status).toBe(200);
	});
});

const grants = (discovery: Discovery) => discovery.grant_types_supported as string[];

/** Order of the group of P-256 (FIPS 186-5): with (r, s) also (r, n - s) is a signature of the same message. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function withOtherSignature(token: string): string {
	const [header, payload, signature = ''] = token.split('.');
	const bytes = Buffer.from(signature, 'base64url');
	const s = BigInt(`0x${bytes.subarray(32).toString('hex')}`);
	bytes.set(Buffer.from((N - s).toString(16).padStart(64, '0'), 'hex'), 32);
	return `${header}.${payload}.${bytes.toString('base64url')}`;
}
