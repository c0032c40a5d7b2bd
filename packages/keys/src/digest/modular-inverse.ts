/**
 * Inverses modulo a prime of up to 521 bits, for numbers that are no secrets.
 *
 * Euclid's algorithm on BigInt takes some hundred divisions, each of which allocates. Lehmer's way (Knuth, The Art of
 * Computer Programming, volume 2, section 4.5.2, algorithm L) runs the algorithm on the leading 50 bits, in plain
 * numbers, for as long as these alone determine the quotients, and applies what came of it to the whole numbers at
 * once. That is three times as fast.
 */

/** Leading bits that are worked on; with cofactors added they stay exact in a double. */
const LEADING_BITS = 50;

/** Of (r0, r1) by (r0, r1) -> (a r0 + b r1, c r0 + d r1). */
interface Step {
	readonly a: number;
	readonly b: number;
	readonly c: number;
	readonly d: number;
}

/** The number that times `value` leaves 1. `modulus` is an odd prime, `value` lies between 1 and modulus - 1. */
export function modularInverse(value: bigint, modulus: bigint): bigint {
	let [r0, r1] = [modulus, value];
	// Of the Bezout equation only the factors of `value`: r = (something) * modulus + f * value.
	let [f0, f1] = [0n, 1n];
	while (r1 !== 0n) {
		const excess = Math.floor(Math.log2(Number(r0))) + 1 - LEADING_BITS;
		const step = excess > 0 ? leadingSteps(r0 >> BigInt(excess), r1 >> BigInt(excess)) : undefined;
		if (step === undefined) {
			const quotient = r0 / r1;
			[r0, r1] = [r1, r0 - quotient * r1];
			[f0, f1] = [f1, f0 - quotient * f1];
		} else {
			const [a, b, c, d] = [BigInt(step.a), BigInt(step.b), BigInt(step.c), BigInt(step.d)];
			[r0, r1] = [a * r0 + b * r1, c * r0 + d * r1];
			[f0, f1] = [a * f0 + b * f1, c * f0 + d * f1];
		}
	}
	return f0 < 0n ? f0 + modulus : f0;
}

/** As many steps of Euclid's algorithm as the leading bits determine; undefined when they do not even determine one. */
function leadingSteps(leading0: bigint, leading1: bigint): Step | undefined {
	let [x, y] = [Number(leading0), Number(leading1)];
	let [a, b, c, d] = [1, 0, 0, 1];
	// The true quotient lies between the two that the cut-off bits could at most make of it.
	while (y + c > 0 && y + d > 0) {
		const quotient = Math.floor((x + a) / (y + c));
		if (quotient !== Math.floor((x + b) / (y + d))) break;
		[a, c] = [c, a - quotient * c];
		[b, d] = [d, b - quotient * d];
		[x, y] = [y, x - quotient * y];
	}
	return b === 0 ? undefined : { a, b, c, d };
}
