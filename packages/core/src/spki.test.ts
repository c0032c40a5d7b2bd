import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { sha1 } from '@noble/hashes/legacy.js';
import { describe, expect, it } from 'vitest';
import { isPresent, VECTORS } from '../test/vectors.ts';
import { fromBase64, fromHex, toBase64Url, toHex } from './bytes.ts';
import { derBitString, derInteger, derNull, derOid, derSequence } from './der.ts';
import { FormatError } from './format-error.ts';
import { ecSpki, ed25519Spki, keyDetailsOf, keyIdentifier, type PublicKeyInfo, parseSpki } from './spki.ts';

const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ format: 'der', type: 'spki' }));

describe('public keys', () => {
	it.each([
		['P-256', 'PKIX_ECDSA_P256_SHA_256'],
		['P-384', 'PKIX_ECDSA_P384_SHA_384'],
		['P-521', 'PKIX_ECDSA_P521_SHA_512'],
	] as const)('on %s are read, named %s and written again', (curve, details) => {
		const { publicKey } = generateKeyPairSync('ec', { namedCurve: curve });
		const info = parseSpki(spkiOf(publicKey));
		const { x, y } = publicKey.export({ format: 'jwk' });
		expect(info).toMatchObject({ algorithm: 'ec', curve });
		const half = (info.ecPoint!.length - 1) / 2;
		expect(toBase64Url(info.ecPoint!.subarray(1, 1 + half))).toBe(x);
		expect(toBase64Url(info.ecPoint!.subarray(1 + half))).toBe(y);
		expect(keyDetailsOf(info)).toBe(details);
		expect(ecSpki(curve, info.ecPoint!)).toEqual(spkiOf(publicKey));
	});

	it('of Ed25519 are read, named and written again', () => {
		const { publicKey } = generateKeyPairSync('ed25519');
		const info = parseSpki(spkiOf(publicKey));
		expect(toBase64Url(info.ed25519!)).toBe(publicKey.export({ format: 'jwk' }).x);
		expect(keyDetailsOf(info)).toBe('PKIX_ED25519');
		expect(ed25519Spki(info.ed25519!)).toEqual(spkiOf(publicKey));
	});

	it.each([2048, 3072, 4096])(
		'of RSA with %i bits are read and named',
		(modulusLength) => {
			const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
			const info = parseSpki(spkiOf(publicKey));
			const { n, e } = publicKey.export({ format: 'jwk' });
			expect(info).toMatchObject({ algorithm: 'rsa', rsaBits: modulusLength });
			expect([toBase64Url(info.rsaModulus!), toBase64Url(info.rsaExponent!)]).toEqual([n, e]);
			expect(keyDetailsOf(info)).toBe(`PKIX_RSA_PKCS1V15_${modulusLength}_SHA256`);
		},
		60_000,
	);

	it('of RSA have a size, but not always a name', () => {
		const info = parseSpki(rsaSpki(2n ** 1023n + 1n, 3n));
		expect(info.rsaBits).toBe(1024);
		expect(() => keyDetailsOf(info)).toThrow(FormatError);
		expect(parseSpki(rsaSpki(2n ** 1020n + 1n, 3n)).rsaBits).toBe(1021);
	});

	it('of RSA are read up to the largest modulus and exponent', () => {
		expect(parseSpki(rsaSpki(2n ** 8191n + 1n, 2n ** 31n - 1n))).toMatchObject({ algorithm: 'rsa', rsaBits: 8192 });
	});

	it('have the identifier of RFC 5280: SHA-1 of the bits alone', () => {
		const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
		expect(keyIdentifier(spkiOf(publicKey))).toEqual(sha1(spkiOf(publicKey).subarray(-65)));
	});
});

const P256 = fromBase64(
	'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEiPSlFi0CmFTfEjCUqF9HuCEcYXNKAaYalIJmBZ8yyezPjTqhxrKBpMnaocVtLJBI1eM3uXnQzQGAJdJ4gs9Fyw==',
);
const ED25519 = ed25519Spki(new Uint8Array(32).fill(7));

function rsaSpki(modulus: bigint, exponent: bigint): Uint8Array {
	const key = derSequence(derInteger(modulus), derInteger(exponent));
	return derSequence(derSequence(derOid('1.2.840.113549.1.1.1'), derNull()), derBitString(key));
}

describe('a public key is refused', () => {
	const ec = (curve: string, point: Uint8Array) =>
		derSequence(derSequence(derOid('1.2.840.10045.2.1'), derOid(curve)), derBitString(point));
	it.each([
		['when empty', new Uint8Array(0)],
		['with bytes behind it', Uint8Array.of(...P256, 0)],
		['with a compressed point', ec('1.2.840.10045.3.1.7', Uint8Array.of(2, ...new Uint8Array(32)))],
		['with a hybrid point', ec('1.2.840.10045.3.1.7', Uint8Array.of(6, ...new Uint8Array(64)))],
		['with a point of another curve', ec('1.3.132.0.34', parseSpki(P256).ecPoint!)],
		['on a curve that we do not know', ec('1.3.132.0.10', parseSpki(P256).ecPoint!)],
		[
			'of an algorithm that we do not know',
			derSequence(derSequence(derOid('1.3.101.110')), derBitString(new Uint8Array(32))),
		],
		[
			'of Ed25519 with parameters',
			derSequence(derSequence(derOid('1.3.101.112'), derNull()), derBitString(new Uint8Array(32))),
		],
		['of Ed25519 with 31 bytes', derSequence(derSequence(derOid('1.3.101.112')), derBitString(new Uint8Array(31)))],
		['of RSA with modulus zero', rsaSpki(0n, 3n)],
		['of RSA with a negative modulus', rsaSpki(-5n, 3n)],
		['of RSA with an even modulus', rsaSpki(2n ** 2047n, 65537n)],
		['of RSA with exponent zero', rsaSpki(2n ** 2047n + 1n, 0n)],
		['of RSA with exponent one', rsaSpki(2n ** 2047n + 1n, 1n)],
		['of RSA with an even exponent', rsaSpki(2n ** 2047n + 1n, 65536n)],
		['of RSA with an exponent of 32 bits', rsaSpki(2n ** 2047n + 1n, 2n ** 31n + 1n)],
		['of RSA with an exponent of 33 bits', rsaSpki(2n ** 2047n + 1n, 2n ** 32n + 1n)],
		['of RSA with an exponent as long as its modulus', rsaSpki(2n ** 3071n + 1n, 2n ** 3070n + 1n)],
		['of RSA with 8193 bits', rsaSpki(2n ** 8192n + 1n, 3n)],
		['of RSA beyond 16384 bits', rsaSpki(2n ** 16384n + 1n, 3n)],
	])('%s', (_what, der) => {
		expect(() => parseSpki(der)).toThrow(FormatError);
	});

	it('or writes back to the same bytes, after random damage', () => {
		const random = new SeededRandom(15);
		const samples = [P256, ED25519, rsaSpki(2n ** 2047n + 9n, 65537n)];
		const rewrite = (info: PublicKeyInfo) => {
			if (info.algorithm === 'ec') return ecSpki(info.curve, info.ecPoint);
			if (info.algorithm === 'ed25519') return ed25519Spki(info.ed25519);
			return rsaSpki(BigInt(`0x${toHex(info.rsaModulus)}`), BigInt(`0x${toHex(info.rsaExponent)}`));
		};
		let read = 0;
		for (let i = 0; i < 6000; i++) {
			const damaged = random.mangle(random.pick(samples));
			try {
				expect(toHex(rewrite(parseSpki(damaged)))).toBe(toHex(damaged));
				read += 1;
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
		expect(read).toBeGreaterThan(500);
	});

	it('when a raw key has another length', () => {
		expect(() => ed25519Spki(new Uint8Array(33))).toThrow(FormatError);
		expect(() => ecSpki('P-256', new Uint8Array(65))).toThrow(FormatError);
	});
});

interface WycheproofFile {
	readonly testGroups: readonly {
		readonly publicKey: {
			readonly curve?: string;
			readonly uncompressed?: string;
			readonly pk?: string;
			readonly keySize?: number;
		};
		readonly publicKeyDer: string;
	}[];
}

describe.runIf(isPresent(VECTORS))('the keys of the Wycheproof vectors', () => {
	it.each([
		['ecdsa_secp256r1_sha256_test', 'P-256'],
		['ecdsa_secp384r1_sha384_test', 'P-384'],
		['ecdsa_secp521r1_sha512_test', 'P-521'],
	])('in %s are read', (file, curve) => {
		const { testGroups } = readVectors(file);
		expect(testGroups.length).toBeGreaterThan(10);
		for (const { publicKey, publicKeyDer } of testGroups) {
			const info = parseSpki(fromHex(publicKeyDer));
			expect(info.curve).toBe(curve);
			expect(toHex(info.ecPoint!)).toBe(publicKey.uncompressed);
		}
	});

	it('in ed25519_test and rsa_signature_2048_sha256_test are read', () => {
		for (const { publicKey, publicKeyDer } of readVectors('ed25519_test').testGroups)
			expect(toHex(parseSpki(fromHex(publicKeyDer)).ed25519!)).toBe(publicKey.pk);
		for (const { publicKeyDer } of readVectors('rsa_signature_2048_sha256_test').testGroups)
			expect(parseSpki(fromHex(publicKeyDer)).rsaBits).toBe(2048);
	});

	function readVectors(file: string): WycheproofFile {
		return JSON.parse(readFileSync(`${VECTORS}/wycheproof/${file}.json`, 'utf8')) as WycheproofFile;
	}
});
