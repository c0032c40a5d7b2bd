import { SeededRandom } from '@chancery/testkit/seeded-random';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { describe, expect, it } from 'vitest';
import { modularInverse } from './modular-inverse.ts';

const moduli = [p256, p384, p521].flatMap(({ Point }) => [Point.Fn.ORDER, Point.Fp.ORDER]);

describe.each(moduli)('the inverse modulo %d', (modulus) => {
	const bits = modulus.toString(2).length;
	const wrong = (values: readonly bigint[]) =>
		values.filter((value) => {
			const inverse = modularInverse(value, modulus);
			return inverse <= 0n || inverse >= modulus || (value * inverse) % modulus !== 1n;
		});

	it('times the number leaves 1, for numbers of every length', () => {
		const random = new SeededRandom(bits);
		const values = Array.from({ length: 2000 }, (_, i) => {
			const hex = random.bytes(1 + (i % Math.ceil(bits / 8))).toHex();
			return BigInt(`0x${hex}`) % modulus;
		});
		expect(wrong(values.filter((value) => value > 0n))).toEqual([]);
	});

	it('exists for the numbers at both ends and around the powers of two', () => {
		const ends = Array.from({ length: 50 }, (_, i) => [BigInt(i + 1), modulus - BigInt(i + 1)]).flat();
		const powers = Array.from({ length: bits - 2 }, (_, i) =>
			[-1n, 0n, 1n].map((by) => (1n << BigInt(i + 1)) + by),
		).flat();
		const halves = [modulus / 2n, modulus / 2n + 1n, modulus / 3n, (2n * modulus) / 3n];
		expect(wrong([...ends, ...powers, ...halves])).toEqual([]);
	});
});
