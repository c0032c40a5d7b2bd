/** Tokens that are bound to a key (DPoP, RFC 9449), with proofs that jose makes. */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { assembleToken } from '@chancery/testkit/token-issuer';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateClientKey, keyRequest } from '../../test/client-key.ts';
import { startInstance, type TestInstance } from '../../test/instance.ts';
import { expectRefusal } from '../../test/refusal.ts';
import { forgetProofs } from '../jobs/forget-proofs.ts';
import { openShownProofs } from '../store/shown-proofs.ts';

const EMAIL = 'ada@example.com';
/** As the configuration of the instance has it, whatever port it listens on. */
const PUBLIC_URL = 'http://ca.localhost:7402';
const V2 = '/api/v2/signingCert';
const V1 = '/api/v1/signingCert';

let ca: TestInstance;
let holder: { readonly privateKey: CryptoKey; readonly jwk: JWK; readonly thumbprint: string };
let token: string;
beforeAll(async () => {
	ca = await startInstance();
	const { privateKey, publicKey } = await generateKeyPair('ES256');
	const jwk = await exportJWK(publicKey);
	holder = { privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) };
	token = await bound({ jkt: holder.thumbprint });
});
afterAll(() => ca.close());

const bound = (cnf: unknown) => ca.people.mint({ email: EMAIL, email_verified: true, cnf });
const key = generateClientKey();
const proofOf = (claims: object = {}, by: CryptoKey = holder.privateKey, jwk: JWK = holder.jwk) =>
	new SignJWT({
		jti: randomUUID(),
		htm: 'POST',
		htu: `${PUBLIC_URL}${V2}`,
		iat: Math.floor(ca.nowMs / 1000),
		ath: createHash('sha256').update(token).digest('base64url'),
		...claims,
	})
		.setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
		.sign(by);

const post = (headers: Record<string, string | string[]>, to = V2, given: string = token) =>
	ca.publicApp.inject(
		to === V2
			? { method: 'POST', url: V2, headers, payload: keyRequest(key, EMAIL, given) }
			: {
					method: 'POST',
					url: V1,
					headers: { authorization: `DPoP ${given}`, ...headers },
					payload: {
						publicKey: { content: Buffer.from(key.pem).toString('base64') },
						signedEmailAddress: key.prove(EMAIL),
					},
				},
	);
const rowsOf = async (table: string) =>
	Number((await ca.data.database.query<{ n: string }>(`select count(*) as n from ca.${table}`))[0]?.n);

describe('a token that is bound to a key', () => {
	it('gets a certificate with a proof for the route, at either version and with either scheme', async () => {
		expect((await post({ dpop: await proofOf() })).statusCode).toBe(200);
		const legacy = await proofOf({ htu: `${PUBLIC_URL}${V1}` });
		expect((await post({ dpop: legacy }, V1)).statusCode).toBe(201);
		const bearer = await proofOf({ htu: `${PUBLIC_URL}${V1}` });
		expect((await post({ dpop: bearer, authorization: `Bearer ${token}` }, V1)).statusCode).toBe(201);
	});

	it.each([V2, V1])('gets none without a proof, and nothing is begun: %s', async (to) => {
		const before = await rowsOf('issuance');
		const response = await post({}, to);
		expectRefusal(response, {
			status: 401,
			code: 16,
			sentence: 'There was an error processing the identity token',
			reason: 'token-proof-missing',
		});
		expect(response.headers['www-authenticate']).toMatch(/^DPoP error="invalid_token", algs="/);
		expect(await rowsOf('issuance')).toBe(before);
	});

	it.each<{ name: string; dpop: () => Promise<string | string[]> | string }>([
		{
			name: 'of another key',
			dpop: async () => {
				const { privateKey, publicKey } = await generateKeyPair('ES256');
				return proofOf({}, privateKey, await exportJWK(publicKey));
			},
		},
		{ name: 'by another key', dpop: async () => proofOf({}, (await generateKeyPair('ES256')).privateKey) },
		{ name: 'for the other route', dpop: () => proofOf({ htu: `${PUBLIC_URL}${V1}` }) },
		{ name: 'for another authority', dpop: () => proofOf({ htu: `https://evil.example${V2}` }) },
		{ name: 'for another method', dpop: () => proofOf({ htm: 'GET' }) },
		{ name: 'for another token', dpop: () => proofOf({ ath: createHash('sha256').update('x').digest('base64url') }) },
		{ name: 'that is old', dpop: () => proofOf({ iat: Math.floor(ca.nowMs / 1000) - 62 }) },
		{ name: 'twice', dpop: async () => [await proofOf(), await proofOf()] },
		{ name: 'that is too long', dpop: () => proofOf({ more: 'a'.repeat(4_000) }) },
		{
			name: 'without a signature',
			dpop: () => assembleToken({ typ: 'dpop+jwt', alg: 'none', jwk: holder.jwk }, { htm: 'POST' }),
		},
		{
			name: 'with an HMAC',
			dpop: () => assembleToken({ typ: 'dpop+jwt', alg: 'HS256', jwk: holder.jwk }, { htm: 'POST' }, 'AAAA'),
		},
	])('gets none with a proof $name', async ({ dpop }) => {
		const before = await rowsOf('issuance');
		const response = await post({ dpop: await dpop() });
		expectRefusal(response, {
			status: 401,
			code: 16,
			sentence: 'There was an error processing the identity token',
			reason: 'token-proof-invalid',
		});
		expect(response.headers['www-authenticate']).toMatch(/^DPoP error="invalid_dpop_proof", algs="/);
		expect(await rowsOf('issuance')).toBe(before);
	});

	it('gets one certificate for a proof, however many requests show it at once', async () => {
		const dpop = await proofOf();
		const statuses = (await Promise.all(Array.from({ length: 8 }, () => post({ dpop })))).map((r) => r.statusCode);
		expect(statuses.sort()).toEqual([200, ...Array(7).fill(401)]);
		expectRefusal(await post({ dpop }), {
			status: 401,
			code: 16,
			sentence: 'There was an error processing the identity token: it was used before',
			reason: 'token-proof-invalid',
		});
	});

	it('has used up the proof of a request that was refused for something else', async () => {
		const dpop = await proofOf();
		const payload = { credentials: { oidcIdentityToken: token } };
		const refused = await ca.publicApp.inject({ method: 'POST', url: V2, headers: { dpop }, payload });
		expect(refused.json()).toMatchObject({ details: [{ reason: 'key-malformed' }] });
		expect((await post({ dpop })).json()).toMatchObject({ details: [{ reason: 'token-proof-invalid' }] });
	});

	it.each([{ jkt: 'short' }, {}, null, { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }])(
		'is no bearer token when its key cannot be read: %j',
		async (cnf) => {
			const response = await post({ dpop: await proofOf() }, V2, await bound(cnf));
			expect(response.statusCode).toBe(400);
			expect(response.json()).toMatchObject({ details: [{ reason: 'claim-malformed' }] });
		},
	);

	it('is told to come back when nobody can say whether its proof was used', async () => {
		await ca.data.database.query('alter table ca.shown_proof rename to away');
		try {
			expect((await post({ dpop: await proofOf() })).json()).toMatchObject({
				details: [{ reason: 'store-unavailable' }],
			});
		} finally {
			await ca.data.database.query('alter table ca.away rename to shown_proof');
		}
	});
});

describe('a token that is bound to nothing', () => {
	it('is taken as ever, whatever stands in the header', async () => {
		const bearer = await ca.people.mint({ email: EMAIL, email_verified: true });
		expect((await post({ dpop: 'nonsense' }, V2, bearer)).statusCode).toBe(200);
	});
});

describe('proofs that were shown', () => {
	const id = (n: number) => new Uint8Array(32).fill(n);

	it('are known to every replica, and one of two that take the same at once gets it', async () => {
		const replicas = [openShownProofs(ca.data.database), openShownProofs(ca.data.database)];
		const forgetAt = new Date(ca.nowMs + 120_000);
		const taken = await Promise.all(replicas.map((replica) => replica.use(id(1), forgetAt)));
		expect(taken.sort()).toEqual([false, true]);
		expect(await replicas[0]?.use(id(1), forgetAt)).toBe(false);
	});

	it('are forgotten when they are too old to be taken, and not before', async () => {
		const { database } = ca.data;
		await database.query('delete from ca.shown_proof');
		await database.query(
			`insert into ca.shown_proof (id, forget_at) select sha256(i::text::bytea), $1 from generate_series(1, 2500) as i`,
			[new Date(ca.nowMs - 1)],
		);
		await openShownProofs(database).use(id(2), new Date(ca.nowMs));
		const stop = new AbortController();
		const running = forgetProofs({ database, clock: () => ca.nowMs }).run(stop.signal);
		while ((await rowsOf('shown_proof')) > 1) await sleep(20);
		await sleep(50);
		expect(await rowsOf('shown_proof')).toBe(1);
		stop.abort();
		await running;
		expect(await openShownProofs(database).use(id(2), new Date(ca.nowMs))).toBe(false);
	});
});
