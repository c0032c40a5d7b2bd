/** The proofs are made by jose, as clients make them: what is checked is not what our own code has written. */
import { createHash, createHmac } from 'node:crypto';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { assembleToken } from '@chancery/testkit/token-issuer';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { boundKey, checkProof, type ProvenRequest } from './dpop-proof.ts';

const NOW = 1_800_000_000;
const TOKEN = 'header.payload.signature';
const REQUEST = { method: 'POST', url: 'https://ca.example/api/v2/signingCert' } as const;
const ath = (token: string) => createHash('sha256').update(token).digest('base64url');

interface Holder {
	readonly alg: string;
	readonly privateKey: CryptoKey;
	readonly jwk: JWK;
	readonly thumbprint: string;
}

async function makeHolder(alg = 'ES256', options: { modulusLength?: number } = {}): Promise<Holder> {
	const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, ...options });
	const jwk = await exportJWK(publicKey);
	return { alg, privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) };
}

let holder: Holder;
let stranger: Holder;
beforeAll(async () => {
	[holder, stranger] = await Promise.all([makeHolder(), makeHolder()]);
});

const CLAIMS = { jti: 'proof-1', htm: 'POST', htu: REQUEST.url, ath: ath(TOKEN), iat: NOW };

function prove(claims: object = {}, header: object = {}, by: Holder = holder): Promise<string> {
	return new SignJWT({ ...CLAIMS, ...claims })
		.setProtectedHeader({ typ: 'dpop+jwt', alg: by.alg, jwk: by.jwk, ...header })
		.sign(by.privateKey);
}

const check = (proof: string | undefined, change: Partial<ProvenRequest> = {}, thumbprint = holder.thumbprint) =>
	checkProof({ ...REQUEST, proof, ...change }, TOKEN, thumbprint, NOW);
const codeOf = (...from: Parameters<typeof check>) =>
	check(...from).then(
		() => 'accepted',
		(error: { code?: string }) => error.code ?? String(error),
	);

describe('a proof', () => {
	it.each(['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'Ed25519', 'EdDSA'])('is taken with %s', async (alg) => {
		const by = await makeHolder(alg);
		expect(await codeOf(await prove({}, {}, by), {}, by.thumbprint)).toBe('accepted');
	});

	it.each([
		{ name: 'a query and a fragment', claims: { htu: `${REQUEST.url}?a=b#c` } },
		{ name: 'another spelling of the same address', claims: { htu: 'HTTPS://CA.example:443/api/v2/signingCert' } },
		{ name: 'an age of a minute', claims: { iat: NOW - 60 } },
		{ name: 'a clock that is a minute ahead', claims: { iat: NOW + 60 } },
		{ name: 'claims and members that nobody needs', claims: { nonce: 'x', more: {} }, header: { kid: 'k', x5c: [] } },
	])('is taken with $name', async ({ claims, header = {} }) => {
		expect(await codeOf(await prove(claims, header))).toBe('accepted');
	});

	it('is taken from a key that says more of itself than its thumbprint is made of', async () => {
		const jwk = { ...holder.jwk, kid: 'mine', alg: 'ES256', use: 'enc', key_ops: ['encrypt'] };
		expect(await codeOf(await prove({}, { jwk }))).toBe('accepted');
	});

	it('is remembered by key and id, until after the last moment at which it is taken', async () => {
		const one = await check(await prove());
		expect(one.id).toHaveLength(32);
		expect(one.forgetAtMs).toBe((NOW + 120) * 1000);
		expect((await check(await prove({ iat: NOW - 9 }))).id).toEqual(one.id);
		expect((await check(await prove({ jti: 'proof-2' }))).id).not.toEqual(one.id);
		expect((await check(await prove({}, {}, stranger), {}, stranger.thumbprint)).id).not.toEqual(one.id);
	});
});

describe('a request without a proof', () => {
	it.each([undefined, ''])('is told that one is missing: %j', async (proof) => {
		const refused = await check(proof).catch((error: unknown) => error);
		expect(refused).toMatchObject({
			code: 'token-proof-missing',
			headers: { 'www-authenticate': expect.stringMatching(/^DPoP error="invalid_token", algs="[A-Za-z0-9 ]*ES256/) },
		});
	});

	it('is refused also where nobody says what the request was', async () => {
		await expect(checkProof(undefined, TOKEN, holder.thumbprint, NOW)).rejects.toThrow('token-proof-missing');
	});
});

describe('a proof is refused', () => {
	it.each<{ name: string; proof: () => Promise<string> | string; says: string }>([
		{ name: 'of another key', proof: () => prove({}, {}, stranger), says: 'not the one that the token is bound to' },
		{
			name: 'that shows the key of the token and is signed by another',
			proof: () => prove({}, { jwk: holder.jwk }, stranger),
			says: 'its signature is not by its key',
		},
		{ name: 'for another path', proof: () => prove({ htu: 'https://ca.example/api/v1/signingCert' }), says: "'htu'" },
		{ name: 'for another host', proof: () => prove({ htu: 'https://evil.example/api/v2/signingCert' }), says: "'htu'" },
		{ name: 'for another scheme', proof: () => prove({ htu: 'http://ca.example/api/v2/signingCert' }), says: "'htu'" },
		{
			name: 'for another port',
			proof: () => prove({ htu: 'https://ca.example:8443/api/v2/signingCert' }),
			says: "'htu'",
		},
		{ name: 'for a user', proof: () => prove({ htu: 'https://a@ca.example/api/v2/signingCert' }), says: "'htu'" },
		{ name: 'for a path below', proof: () => prove({ htu: `${REQUEST.url}/x` }), says: "'htu'" },
		{ name: 'for no URL', proof: () => prove({ htu: 'signingCert' }), says: "'htu'" },
		{ name: 'for no place', proof: () => prove({ htu: undefined }), says: "'htu'" },
		{ name: 'for another method', proof: () => prove({ htm: 'GET' }), says: "'htm' is 'GET', expected 'POST'" },
		{ name: 'for a method in other letters', proof: () => prove({ htm: 'post' }), says: "'htm'" },
		{ name: 'for no method', proof: () => prove({ htm: undefined }), says: "'htm'" },
		{ name: 'for another token', proof: () => prove({ ath: ath('another') }), says: "'ath'" },
		{ name: 'for no token', proof: () => prove({ ath: undefined }), says: "'ath'" },
		{
			name: 'for a token in hexadecimal',
			proof: () => prove({ ath: Buffer.from(ath(TOKEN)).toString('hex') }),
			says: "'ath'",
		},
		{ name: 'of more than a minute ago', proof: () => prove({ iat: NOW - 61 }), says: 'it was made 61 s ago' },
		{ name: 'of the future', proof: () => prove({ iat: NOW + 61 }), says: 'it is of 61 s from now' },
		{ name: 'of no time', proof: () => prove({ iat: undefined }), says: "its 'iat' is no number" },
		{ name: 'of a time in words', proof: () => prove({ iat: `${NOW}` }), says: "its 'iat' is no number" },
		{ name: 'without an id', proof: () => prove({ jti: undefined }), says: "'jti'" },
		{ name: 'with an empty id', proof: () => prove({ jti: '' }), says: "'jti'" },
		{ name: 'with an id without end', proof: () => prove({ jti: 'a'.repeat(257) }), says: "'jti'" },
		{ name: 'with a number as its id', proof: () => prove({ jti: 7 }), says: "its 'jti' is no text but a number" },
		{ name: 'of another type', proof: () => prove({}, { typ: 'JWT' }), says: "its 'typ' is 'JWT'" },
		{ name: 'of no type', proof: () => prove({}, { typ: undefined }), says: "its 'typ' is ''" },
		{
			name: 'that shows no key',
			proof: () => prove({}, { jwk: undefined, kid: 'first' }),
			says: "its header's 'jwk' is no key",
		},
		{
			name: 'that shows its private key',
			proof: async () => prove({}, { jwk: await exportJWK(holder.privateKey) }),
			says: 'is a private key',
		},
		{
			name: 'with an extension that must be understood',
			proof: () => assembleToken({ typ: 'dpop+jwt', alg: 'ES256', jwk: holder.jwk, crit: ['b64'] }, CLAIMS, 'AAAA'),
			says: "its header has 'crit'",
		},
		{
			name: 'without a signature',
			proof: () => assembleToken({ typ: 'dpop+jwt', alg: 'none', jwk: holder.jwk }, CLAIMS),
			says: "its 'alg' is 'none'",
		},
		{
			name: 'with an HMAC keyed with the public key',
			proof: () => {
				const unsigned = assembleToken({ typ: 'dpop+jwt', alg: 'HS256', jwk: holder.jwk }, CLAIMS).slice(0, -1);
				return `${unsigned}.${createHmac('sha256', JSON.stringify(holder.jwk)).update(unsigned).digest('base64url')}`;
			},
			says: "its 'alg' is 'HS256'",
		},
		{
			name: 'with an algorithm of another kind of key',
			proof: async () => prove({}, { jwk: holder.jwk }, await makeHolder('RS256')),
			says: "its key is none for 'RS256'",
		},
		{
			name: 'that was changed after it was signed',
			proof: async () => {
				const [header, , signature] = (await prove({ jti: 'other' })).split('.') as [string, string, string];
				return `${header}.${Buffer.from(JSON.stringify(CLAIMS)).toString('base64url')}.${signature}`;
			},
			says: 'its signature is not by its key',
		},
		{ name: 'that is too long', proof: () => prove({ more: 'a'.repeat(4096) }), says: '4096 are the most' },
		{
			name: 'beside another, as Node joins two headers',
			proof: async () => `${await prove()}, ${await prove()}`,
			says: 'it is not three parts joined by dots',
		},
		{ name: 'that is no JWT', proof: () => 'proof', says: 'it is not three parts joined by dots' },
	])('$name', async ({ proof, says }) => {
		const refused = await check(await proof()).catch((error: unknown) => error);
		expect(refused).toMatchObject({
			code: 'token-proof-invalid',
			detail: expect.stringContaining(says),
			headers: { 'www-authenticate': expect.stringContaining('DPoP error="invalid_dpop_proof", algs="') },
		});
	});

	it('of a key with which a check would cost us, and not its sender', async () => {
		const [n, e] = [Buffer.alloc(256, 0xc5), Buffer.alloc(256, 0x55)].map((bytes) => bytes.toString('base64url'));
		const jwk = { kty: 'RSA', n, e } as JWK;
		const costly = assembleToken({ typ: 'dpop+jwt', alg: 'RS256', jwk }, CLAIMS, 'AAAA');
		await expect(check(costly, {}, await calculateJwkThumbprint(jwk))).rejects.toThrow('no key that is read here');
	});

	it('whatever byte of a good one is changed', async () => {
		const good = await prove();
		for (let i = 0; i < good.length; i++) {
			const mangled = good.slice(0, i) + (good[i] === 'A' ? 'B' : 'A') + good.slice(i + 1);
			expect(await codeOf(mangled), `position ${i} of ${good.length}`).toBe('token-proof-invalid');
		}
	});

	it('when it is random text', async () => {
		const random = new SeededRandom(9449);
		const alphabet = [...'abcXYZ019-_.={}"\u0000\ud800 '];
		for (let i = 0; i < 500; i++)
			expect(await codeOf(random.text(alphabet, 1 + random.below(60)))).toBe('token-proof-invalid');
	});
});

describe('the claim cnf', () => {
	const jkt = 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs';

	it('binds a token to a key, and a token without it to nothing', () => {
		expect(boundKey({ cnf: { jkt } })).toBe(jkt);
		expect(boundKey({})).toBeUndefined();
		expect(boundKey(Object.create({ cnf: { jkt } }))).toBeUndefined();
	});

	it.each([
		{ cnf: null },
		{ cnf: {} },
		{ cnf: [] },
		{ cnf: 'text' },
		{ cnf: { jkt: 7 } },
		{ cnf: { jkt: '' } },
		{ cnf: { jkt: `${jkt}=` } },
		{ cnf: { 'x5t#S256': jkt } },
		{ cnf: { jkt, 'x5t#S256': jkt } },
		{ cnf: { jwk: { kty: 'EC' } } },
	])('makes no bearer token of one that is bound in a way that nobody here checks: %j', (claims) => {
		expect(() => boundKey(claims)).toThrow('claim-malformed');
	});
});
