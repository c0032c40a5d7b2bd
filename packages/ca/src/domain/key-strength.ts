/**
 * Keys that no certificate is issued for, however well they are proven: sizes that clients do not expect, RSA moduli
 * that can be factored, Ed25519 points of small order, keys that are known to be compromised, and our own.
 */
import { REGISTERED_RSA_BITS } from '@chancery/core/algorithm-registry';
import { toHex } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import type { PublicKeyInfo } from '@chancery/core/spki';
import { refuse } from './refusal.ts';

/** SHA-256 of SubjectPublicKeyInfos, in lower-case hexadecimal. */
export type BlockedKeys = ReadonlySet<string>;

const RSA_EXPONENT = 65537n;
/** Trial division and the fingerprint below; 751 is where others stop as well. */
const PRIMES = primesBelow(752);
const FERMAT_ROUNDS = 100;

/** @throws {DomainError} `key-insecure` */
export function checkKeyStrength(key: { spki: Uint8Array; info: PublicKeyInfo }, blocked: BlockedKeys): void {
	const weakness = blocked.has(toHex(sha256(key.spki))) ? 'this key is known and not accepted' : weaknessOf(key.info);
	if (weakness !== undefined) throw refuse('key-insecure', weakness);
}

function weaknessOf(key: PublicKeyInfo): string | undefined {
	switch (key.algorithm) {
		case 'ec':
			// The curves are the accepted ones, and reading the key has put the point on its curve. They have prime order.
			return undefined;
		case 'ed25519':
			return hasSmallOrder(key.ed25519) ? 'the Ed25519 point has small order' : undefined;
		case 'rsa':
			return rsaWeakness(key.rsaBits, toBigInt(key.rsaModulus), toBigInt(key.rsaExponent));
	}
}

function rsaWeakness(bits: number, modulus: bigint, exponent: bigint): string | undefined {
	if (!REGISTERED_RSA_BITS.includes(bits)) return `RSA with ${bits} bits, expected ${REGISTERED_RSA_BITS.join(', ')}`;
	if (exponent !== RSA_EXPONENT) return `the RSA exponent is not ${RSA_EXPONENT}`;
	const factor = PRIMES.find((prime) => modulus % BigInt(prime) === 0n);
	if (factor !== undefined) return `the RSA modulus is divisible by ${factor}`;
	if (hasRocaFingerprint(modulus)) return 'the RSA modulus has the structure of CVE-2017-15361';
	if (factorsByFermat(modulus)) return 'the RSA primes are too close to each other';
	return undefined;
}

/**
 * CVE-2017-15361 (Nemec et al., CCS 2017): primes of the broken generator are `k * M + 65537^a mod M`, with M the
 * product of the first primes. Then the modulus is a power of 65537 modulo each of them; a random modulus passes all
 * of these tests with a probability of about 2^-27.
 */
function hasRocaFingerprint(modulus: bigint): boolean {
	return ROCA_SUBGROUPS.every(({ prime, powers }) => powers.has(Number(modulus % BigInt(prime))));
}

const ROCA_SUBGROUPS = PRIMES.filter((prime) => prime <= 167).map((prime) => {
	const powers = new Set<number>();
	for (let power = 1; !powers.has(power); power = (power * (65537 % prime)) % prime) powers.add(power);
	return { prime, powers };
});

/** Fermat's method: finds the factors within a few rounds exactly when they are close to the square root. */
function factorsByFermat(modulus: bigint): boolean {
	let a = squareRoot(modulus);
	if (a * a < modulus) a += 1n;
	for (let round = 0; round < FERMAT_ROUNDS; round++, a += 1n) {
		const rest = a * a - modulus;
		const root = squareRoot(rest);
		if (root * root === rest) return true;
	}
	return false;
}

/** Integer square root by Newton's method, from above. */
function squareRoot(n: bigint): bigint {
	if (n < 2n) return n;
	let x = 1n << BigInt(Math.ceil(n.toString(2).length / 2));
	for (;;) {
		const next = (x + n / x) >> 1n;
		if (next >= x) return x;
		x = next;
	}
}

/** Field prime of Curve25519. */
const P = 2n ** 255n - 19n;
/** y of a point of order 8: a root of d*y^4 + 2*y^2 - 1, so that its double has y = 0. */
const ORDER_8_Y = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
/** y of the eight points whose order divides 8; the sign of x is free. Signatures under such a key prove nothing. */
const SMALL_ORDER_Y = new Set([0n, 1n, P - 1n, ORDER_8_Y, P - ORDER_8_Y]);

function hasSmallOrder(point: Uint8Array): boolean {
	const y = toBigInt(point.toReversed()) & (2n ** 255n - 1n);
	// A y that is not reduced is a second spelling of a small one; none of them belongs to an honest key.
	return y >= P || SMALL_ORDER_Y.has(y);
}

function toBigInt(bytes: Uint8Array): bigint {
	return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

function primesBelow(limit: number): number[] {
	const primes: number[] = [];
	for (let n = 3; n < limit; n += 2) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
	return [2, ...primes];
}
