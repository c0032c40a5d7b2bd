import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';
import { FormatError } from './format-error.ts';

/** RFC 8785 appendix B: IEEE 754 bits and their text. */
const NUMBERS: readonly (readonly [bits: string, text: string])[] = [
	['0000000000000000', '0'],
	['8000000000000000', '0'],
	['0000000000000001', '5e-324'],
	['8000000000000001', '-5e-324'],
	['7fefffffffffffff', '1.7976931348623157e+308'],
	['4340000000000000', '9007199254740992'],
	['c340000000000000', '-9007199254740992'],
	['4430000000000000', '295147905179352830000'],
	['44b52d02c7e14af5', '9.999999999999997e+22'],
	['44b52d02c7e14af6', '1e+23'],
	['444b1ae4d6e2ef4e', '999999999999999700000'],
	['444b1ae4d6e2ef50', '1e+21'],
	['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
	['3eb0c6f7a0b5ed8d', '0.000001'],
	['41b3de4355555553', '333333333.3333332'],
	['41b3de4355555555', '333333333.3333333'],
	['becbf647612f3696', '-0.0000033333333333333333'],
	['43143ff3c1cb0959', '1424953923781206.2'],
];

describe('canonical JSON', () => {
	it.each(NUMBERS)('writes the number with the bits %s as %s', (bits, text) => {
		expect(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE())).toBe(text);
	});

	it('writes the example of RFC 8785 section 3.2.2', () => {
		const input = {
			// biome-ignore lint/correctness/noPrecisionLoss: the example is about that
			numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
			string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"\u002f',
			literals: [null, true, false],
		};
		expect(canonicalJson(input)).toBe(
			'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
		);
	});

	it('sorts members by UTF-16 code units as in RFC 8785 section 3.2.3', () => {
		const input = {
			'\u20ac': 'Euro Sign',
			'\r': 'Carriage Return',
			'\ufb33': 'Hebrew Letter Dalet With Dagesh',
			'1': 'One',
			'\u{1f600}': 'Emoji: Grinning Face',
			'\u0080': 'Control',
			'\u00f6': 'Latin Small Letter O With Diaeresis',
		};
		const order = [...canonicalJson(input).matchAll(/:"([^"]+)"/g)].map((match) => match[1]);
		expect(order).toEqual([
			'Carriage Return',
			'One',
			'Control',
			'Latin Small Letter O With Diaeresis',
			'Euro Sign',
			'Emoji: Grinning Face',
			'Hebrew Letter Dalet With Dagesh',
		]);
	});

	it('sorts names that look like numbers as text, at every level', () => {
		expect(canonicalJson({ b: { '10': 1, '9': 2 }, a: [{ d: 1, c: 2 }] })).toBe(
			'{"a":[{"c":2,"d":1}],"b":{"10":1,"9":2}}',
		);
	});

	it('treats __proto__ as any other name', () => {
		expect(canonicalJson(JSON.parse('{"__proto__":{"x":1},"a":2}'))).toBe('{"__proto__":{"x":1},"a":2}');
	});

	it.each([
		['undefined', undefined],
		['an undefined member', { a: undefined }],
		['a hole in an array', new Array(1)],
		['NaN', Number.NaN],
		['infinity', [Number.POSITIVE_INFINITY]],
		['a big integer', 1n],
		['a date', new Date(0)],
		['a map', new Map()],
		['bytes', Uint8Array.of(1)],
		['a function', () => 1],
		['half of a surrogate pair', '\ud83d'],
		['half of a surrogate pair in a name', { '\udead': 1 }],
	])('refuses %s', (_what, value) => {
		expect(() => canonicalJson(value)).toThrow(FormatError);
	});

	it('refuses endless nesting instead of exhausting the stack', () => {
		const cycle: unknown[] = [];
		cycle.push(cycle);
		expect(() => canonicalJson(cycle)).toThrow(FormatError);
	});

	it('reads back to the same value, and does not depend on the order of members', () => {
		const random = new SeededRandom(9);
		for (let i = 0; i < 500; i++) {
			const value = randomJson(random, 4);
			const text = canonicalJson(value);
			expect(JSON.parse(text)).toEqual(value);
			expect(canonicalJson(shuffled(value, random))).toBe(text);
			expect(canonicalJson(JSON.parse(text))).toBe(text);
		}
	});
});

function randomJson(random: SeededRandom, depth: number): unknown {
	switch (random.below(depth > 0 ? 6 : 4)) {
		case 0:
			return random.pick([null, true, false]);
		case 1:
			return random.below(2 ** 31) / random.pick([1, 7, 2 ** 40]);
		case 2:
			return -random.below(1000) - 1;
		case 3:
			return String.fromCodePoint(...Array.from({ length: random.below(8) }, () => random.below(0xd800)));
		case 4:
			return Array.from({ length: random.below(4) }, () => randomJson(random, depth - 1));
		default:
			return Object.fromEntries(
				Array.from({ length: random.below(6) }, () => [
					random.pick(['a', 'B', '10', '9', 'é', '\u0001']),
					randomJson(random, depth - 1),
				]),
			);
	}
}

function shuffled(value: unknown, random: SeededRandom): unknown {
	if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
	if (typeof value !== 'object' || value === null) return value;
	const members = Object.entries(value).map(([name, member]) => [name, shuffled(member, random)] as const);
	return Object.fromEntries(members.sort(() => random.below(3) - 1));
}
