import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { readJwk } from './jwk.ts';

const jwkOf = ({ publicKey }: { publicKey: KeyObject }) => publicKey.export({ format: 'jwk' });
const base64url = (n: bigint) =>
	Buffer.from(n.toString(16).padStart(2 * Math.ceil(n.toString(16).length / 2), '0'), 'hex').toString('base64url');
const rsa = (bits: bigint, exponent: bigint, last = 1n) => ({
	kty: 'RSA',
	n: base64url(2n ** (bits - 1n) + last),
	e: base64url(exponent),
});

describe('a JWK', () => {
	it.each([
		['RSA with 2048 bits', rsa(2048n, 65_537n), 'rsa'],
		['RSA with 8192 bits and exponent 3', rsa(8192n, 3n), 'rsa'],
		['P-256', jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })), 'ec'],
		['P-521', jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-521' })), 'ec'],
		['Ed25519', jwkOf(generateKeyPairSync('ed25519')), 'ed25519'],
		[
			'a key with members for other readers',
			{ ...rsa(3072n, 65_537n), kid: 'a', use: 'sig', alg: 'RS256', x5c: [] },
			'rsa',
		],
	])('is read: %s', (_, jwk, algorithm) => {
		expect(readJwk(jwk)?.info.algorithm).toBe(algorithm);
	});

	it.each([
		['RSA with 1024 bits', rsa(1024n, 65_537n)],
		['RSA with 8200 bits', rsa(8200n, 65_537n)],
		['RSA with an exponent as long as its modulus', rsa(3072n, 2n ** 3070n + 1n)],
		['RSA with an exponent of 33 bits', rsa(2048n, 2n ** 32n + 1n)],
		['RSA with an even exponent', rsa(2048n, 65_536n)],
		['RSA with an even modulus', rsa(2048n, 65_537n, 0n)],
		['secp256k1', jwkOf(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))],
		['Ed448', jwkOf(generateKeyPairSync('ed448'))],
		['a symmetric key', { kty: 'oct', k: 'AAAA' }],
		['a point off its curve', { ...jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' })), y: 'A'.repeat(43) }],
		['nothing', {}],
		['a prototype', { kty: '__proto__' }],
		['members of other types', { kty: 'RSA', n: 1, e: [] }],
	])('is not read: %s', (_, jwk) => {
		expect(readJwk(jwk)).toBeUndefined();
	});
});
