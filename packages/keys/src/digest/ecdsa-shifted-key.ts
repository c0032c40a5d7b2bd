/**
 * ECDSA over a digest by OpenSSL's verification over a message, with another key.
 *
 * node:crypto always hashes, so it can only be asked about a message. A signature (r, s) is right for the number z and
 * the point Q when the point
 *
 *     R = (z / s) G + (r / s) Q        has  x(R) mod n = r        (FIPS 186-5 section 6.4.2)
 *
 * Take any message of ours, m, whose hash is the number y, and move the key by a known multiple of the base point:
 *
 *     d  = (z - y) / r  mod n
 *     Q' = Q + d G
 *     (y / s) G + (r / s) Q'  =  (y / s) G + (r / s) Q + ((z - y) / s) G  =  R
 *
 * So (r, s) is right for the digest under Q exactly when it is right for m under Q', and that is asked of OpenSSL with
 * the signature as it came. Ours are two inversions and one addition of points; a mistake there makes a Q' that is not
 * on the curve, which OpenSSL refuses to read, or one for which the signature is wrong: never one for which a wrong
 * signature is right, short of forging. That Q itself lies on its curve is checked here: the addition would not notice.
 *
 * The addition of points as written needs two points with different x. Whoever knows the private key can choose it so
 * that Q is d G or -d G. Then another message is taken; see MESSAGES. Nothing here is secret, so nothing needs constant
 * time.
 */
import { createECDH, createHash, type ECDH, verify } from 'node:crypto';
import { CURVES as CURVE_NAMES, type CurveName } from '@chancery/core/algorithms';
import { concatBytes, utf8 } from '@chancery/core/bytes';
import { type EcPublicKey, ecSpki } from '@chancery/core/spki';
import type { EcdsaBackend } from './ecdsa-backend.ts';
import { bytesToNumber, CURVES, numberToBytes } from './ecdsa-signature.ts';
import { modularInverse } from './modular-inverse.ts';

/** SHA-256 for all curves: its number is below the order of each. */
const MESSAGE_HASH = 'sha256';

interface KnownMessage {
	readonly message: Uint8Array;
	readonly number: bigint;
}

/**
 * The three have different hashes, so they give three different d. Q has the x of d G for at most two of them (d and
 * -d), and d is 0 for at most one of them, which is answered directly: one that can be used is always left.
 */
const MESSAGES: readonly KnownMessage[] = ['first', 'second', 'third'].map((word) => {
	const message = utf8(`the ${word} message under a shifted key`);
	return { message, number: bytesToNumber(createHash(MESSAGE_HASH).update(message).digest()) };
});

/** One per curve: each use replaces the key in it. */
const multipliers: Partial<Record<CurveName, ECDH>> = {};

interface Point {
	readonly x: bigint;
	readonly y: bigint;
}

export const shiftedKeyBackend: EcdsaBackend = {
	name: 'shifted-key',
	isOffered: () => true,
	verify({ key, digest, r, signature }) {
		const { curve } = key;
		const { Fn } = CURVES[curve].Point;
		const q = readPoint(key);
		if (q === undefined) return false;
		const z = digestNumber(digest, Fn.BITS);
		const rInverse = modularInverse(r, Fn.ORDER);
		for (const { message, number } of MESSAGES) {
			const d = positive((z - number) * rInverse, Fn.ORDER);
			const shifted = d === 0n ? q : addPoints(curve, q, multiplyBase(curve, d));
			if (shifted !== undefined) return isSignatureOver(message, curve, shifted, signature);
		}
		throw new Error('a key cannot be unsuitable for all three messages');
	},
};

/** The leftmost bits of a digest, as many as the order has (FIPS 186-5 section 6.4.2). May reach beyond the order. */
function digestNumber(digest: Uint8Array, orderBits: number): bigint {
	const excess = 8 * digest.length - orderBits;
	return excess > 0 ? bytesToNumber(digest) >> BigInt(excess) : bytesToNumber(digest);
}

/** The point of the key; undefined when it is not on its curve (SEC 1 section 3.2.2.1). */
function readPoint({ curve, ecPoint }: EcPublicKey): Point | undefined {
	const { a, b, p } = CURVES[curve].Point.CURVE();
	const { x, y } = coordinates(curve, ecPoint);
	if (x >= p || y >= p) return undefined;
	return (y * y - ((x * x + a) * x + b)) % p === 0n ? { x, y } : undefined;
}

/** d G, for d between 1 and the order less 1. */
function multiplyBase(curve: CurveName, d: bigint): Point {
	multipliers[curve] ??= createECDH(CURVE_NAMES[curve].openssl);
	multipliers[curve].setPrivateKey(numberToBytes(d, CURVES[curve].Point.Fn.BYTES));
	return coordinates(curve, multipliers[curve].getPublicKey());
}

/** The sum of two points on the curve (SEC 1 section 2.2.1); undefined when they have the same x. */
function addPoints(curve: CurveName, one: Point, other: Point): Point | undefined {
	if (one.x === other.x) return undefined;
	const p = CURVES[curve].Point.Fp.ORDER;
	const slope = ((other.y - one.y) * modularInverse(positive(other.x - one.x, p), p)) % p;
	const x = positive(slope * slope - one.x - other.x, p);
	return { x, y: positive(slope * (one.x - x) - one.y, p) };
}

/** x and y of 0x04 || X || Y. */
function coordinates(curve: CurveName, point: Uint8Array): Point {
	const width = CURVES[curve].Point.Fp.BYTES;
	return { x: bytesToNumber(point.subarray(1, 1 + width)), y: bytesToNumber(point.subarray(1 + width)) };
}

function isSignatureOver(message: Uint8Array, curve: CurveName, { x, y }: Point, signature: Uint8Array): boolean {
	const width = CURVES[curve].Point.Fp.BYTES;
	const point = concatBytes(Uint8Array.of(4), numberToBytes(x, width), numberToBytes(y, width));
	const key = Buffer.from(ecSpki(curve, point));
	try {
		return verify(MESSAGE_HASH, message, { key, format: 'der', type: 'spki', dsaEncoding: 'der' }, signature);
	} catch {
		// Whatever OpenSSL finds wrong with the key or the signature, the answer is no.
		return false;
	}
}

/** The remainder that is not negative. */
function positive(value: bigint, modulus: bigint): bigint {
	const remainder = value % modulus;
	return remainder < 0n ? remainder + modulus : remainder;
}
