import { createPublicKey, generateKeyPairSync, generatePrimeSync } from 'node:crypto';
import { toHex } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import { ed25519Spki, parseSpki } from '@chancery/core/spki';
import { describe, expect, it } from 'vitest';
import { generateClientKey } from '../../test/client-key.ts';
import { checkKeyStrength } from './key-strength.ts';

const NONE: ReadonlySet<string> = new Set();

function check(spki: Uint8Array, blocked = NONE): void {
	checkKeyStrength({ spki, info: parseSpki(spki) }, blocked);
}

function rsaSpki(modulus: bigint, exponent = 65537n): Uint8Array {
	const number = (value: bigint) => {
		const hex = value.toString(16);
		return Buffer.from(hex.length % 2 === 1 ? `0${hex}` : hex, 'hex').toString('base64url');
	};
	const key = createPublicKey({ key: { kty: 'RSA', n: number(modulus), e: number(exponent) }, format: 'jwk' });
	return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
}

const bitLength = (n: bigint) => n.toString(2).length;
/** OpenSSL sets the two highest bits, so that the product of two has twice as many. */
const prime = (bits: number) => generatePrimeSync(bits, { bigint: true });
const hasSmallFactor = (n: bigint) => SMALL.some((factor) => n % factor === 0n);
const SMALL = [2n, 3n, 5n, 7n, 11n, 13n, ...Array.from({ length: 368 }, (_, i) => BigInt(2 * i + 17))];

describe('keys that are accepted', () => {
	it.each(['P-256', 'P-384', 'P-521', 'Ed25519', 'RSA-2048', 'RSA-3072'] as const)('fresh ones of %s', (kind) => {
		for (let i = 0; i < (kind.startsWith('RSA') ? 2 : 20); i++) check(generateClientKey(kind).spki);
	});

	it('RSA with 4096 bits', () => {
		const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
		check(new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })));
	});
});

describe('RSA keys that are refused', () => {
	it.each([1024, 2047, 2049, 2056, 3000, 8192])('those of %i bits', (bits) => {
		const modulus = 2n ** BigInt(bits) - 3n;
		expect(() => check(rsaSpki(modulus))).toThrow(/key-insecure: .*expected 2048, 3072, 4096/);
	});

	it.each([3n, 17n, 65539n])('those with the exponent %s', (exponent) => {
		expect(() => check(rsaSpki(prime(1024) * prime(1024), exponent))).toThrow('exponent is not 65537');
	});

	it('those whose modulus has a small factor', () => {
		for (const factor of [3n, 5n, 751n]) {
			let cofactor = (2n ** 2048n - 1n) / factor - 2n ** 1000n * 12345n;
			while (hasSmallFactor(cofactor)) cofactor -= 1n;
			expect(bitLength(factor * cofactor)).toBe(2048);
			expect(() => check(rsaSpki(factor * cofactor))).toThrow(`divisible by ${factor}`);
		}
	});

	it('those whose primes are neighbours', () => {
		const p = prime(1024);
		let q = p + 2n;
		const isProbablyPrime = (n: bigint) => [2n, 3n, 5n].every((base) => power(base, n - 1n, n) === 1n);
		while (!isProbablyPrime(q)) q += 2n;
		expect(() => check(rsaSpki(p * q))).toThrow('too close');
	});

	it('those made as the broken generator of CVE-2017-15361 made them', () => {
		// The construction of the paper: p = k * M + 65537^a mod M, with M the product of the first 126 primes.
		const primes: bigint[] = [];
		for (let n = 2n; primes.length < 126; n++) if (primes.every((q) => n % q !== 0n)) primes.push(n);
		const m = primes.reduce((product, q) => product * q, 1n);
		const broken = (a: bigint) => {
			const rest = power(65537n, a, m);
			for (let k = (3n << 1022n) / m; ; k++) {
				const candidate = k * m + rest;
				if (power(2n, candidate - 1n, candidate) === 1n) return candidate;
			}
		};
		const modulus = broken(123456789n) * broken(987654321n);
		expect(bitLength(modulus)).toBe(2048);
		expect(() => check(rsaSpki(modulus))).toThrow('CVE-2017-15361');
	}, 60_000);
});

describe('Ed25519 keys that are refused', () => {
	// The eight points whose order divides 8, and spellings of them that are not reduced.
	it.each([
		'0000000000000000000000000000000000000000000000000000000000000000',
		'0000000000000000000000000000000000000000000000000000000000000080',
		'0100000000000000000000000000000000000000000000000000000000000000',
		'0100000000000000000000000000000000000000000000000000000000000080',
		'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
		'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
		'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
		'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
		'26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
		'26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
		'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
		'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
	])('%s', (hex) => {
		expect(() => check(ed25519Spki(Uint8Array.fromHex(hex)))).toThrow('small order');
	});
});

describe('a key that is listed', () => {
	it('is refused by its hash', () => {
		const { spki } = generateClientKey();
		expect(() => check(spki, new Set([toHex(sha256(spki))]))).toThrow('key-insecure');
		check(spki, new Set([toHex(sha256(generateClientKey().spki))]));
	});
});

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
	let result = 1n;
	for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus)
		if (e & 1n) result = (result * b) % modulus;
	return result;
}
