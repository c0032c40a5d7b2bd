/**
 * ECDSA signatures as numbers, and the curves that they belong to.
 */
import type { CurveName } from '@chancery/core/algorithms';
import { DerReader } from '@chancery/core/der';
import { FormatError } from '@chancery/core/format-error';
import type { ECDSA } from '@noble/curves/abstract/weierstrass.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';

export const CURVES: Readonly<Record<CurveName, ECDSA>> = { 'P-256': p256, 'P-384': p384, 'P-521': p521 };

/** Both between 1 and the order of the curve less 1. */
export interface EcdsaNumbers {
	readonly r: bigint;
	readonly s: bigint;
}

/**
 * Reads `Ecdsa-Sig-Value`, a DER sequence of two integers (RFC 3279 section 2.2.3). Strict DER: another spelling of a
 * valid signature would be another entry in the log. Undefined for what is not DER and for numbers out of range.
 */
export function readEcdsaSignature(curve: CurveName, signature: Uint8Array): EcdsaNumbers | undefined {
	const { ORDER } = CURVES[curve].Point.Fn;
	try {
		const outer = new DerReader(signature);
		const numbers = outer.sequence();
		outer.end();
		const [r, s] = [numbers.integer(), numbers.integer()];
		numbers.end();
		return r > 0n && r < ORDER && s > 0n && s < ORDER ? { r, s } : undefined;
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
	}
}

/** Unsigned big-endian bytes of a fixed width. */
export function numberToBytes(value: bigint, width: number): Uint8Array {
	return Uint8Array.fromHex(value.toString(16).padStart(2 * width, '0'));
}

/** The number that unsigned big-endian bytes stand for. */
export function bytesToNumber(bytes: Uint8Array): bigint {
	return BigInt(`0x${bytes.toHex()}`);
}
