import { FormatError } from '@chancery/core/format-error';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { base64Bytes, int64String, nonEmptyBytes, timestamp, withoutNulls } from './proto-json.ts';

describe('bytes', () => {
	it.each([
		['', []],
		['AA==', [0]],
		['+/8=', [0xfb, 0xff]],
		['AQID', [1, 2, 3]],
	])('%j are %j, and written the same way', (text, bytes) => {
		expect(base64Bytes.parse(text)).toEqual(Uint8Array.from(bytes));
		expect(z.encode(base64Bytes, Uint8Array.from(bytes))).toBe(text);
	});

	it.each(['AA', 'AB==', '-_8=', 'AA==\n', ' AA==', 'A===', '=', 'AA==AA==', 'é', 1, null, [], {}])(
		'%j is not standard base64: an issue, not an exception',
		(value) => {
			expect(base64Bytes.safeParse(value).success).toBe(false);
		},
	);

	it('may have to be there', () => {
		expect(nonEmptyBytes.safeParse('').success).toBe(false);
		expect(nonEmptyBytes.parse('AA==')).toHaveLength(1);
	});
});

describe('a 64-bit integer', () => {
	it.each([
		['0', 0],
		['1', 1],
		['9007199254740991', Number.MAX_SAFE_INTEGER],
		[0, 0],
		[42, 42],
	])('%j is %d', (value, number) => {
		expect(int64String.parse(value)).toBe(number);
		expect(z.encode(int64String, number)).toBe(String(number));
	});

	it.each([
		'',
		'-1',
		'-0',
		'+1',
		'01',
		'00',
		'1.0',
		'1e3',
		' 1',
		'1 ',
		'0x10',
		'9007199254740992',
		'9'.repeat(20),
		'9'.repeat(1000),
		-1,
		1.5,
		2 ** 53,
		Number.NaN,
		Number.POSITIVE_INFINITY,
		1n,
		null,
		true,
		[],
		['1'],
	])('%s is refused', (value) => {
		expect(int64String.safeParse(value).success).toBe(false);
	});
});

describe('a time', () => {
	it.each([
		['2026-01-02T03:04:05Z', '2026-01-02T03:04:05Z'],
		['2026-01-02T03:04:05.678Z', '2026-01-02T03:04:05.678Z'],
		['2026-01-02T03:04:05.000Z', '2026-01-02T03:04:05Z'],
		['2026-01-02T03:04:05.123456789Z', '2026-01-02T03:04:05.123Z'],
		['2026-01-02T05:04:05+02:00', '2026-01-02T03:04:05Z'],
		['2028-02-29T00:00:00Z', '2028-02-29T00:00:00Z'],
	])('%s is written %s', (text, written) => {
		expect(z.encode(timestamp, timestamp.parse(text))).toBe(written);
	});

	it.each(['2026-01-02', '2026-01-02T03:04:05', '2026-02-29T00:00:00Z', '2026-13-01T00:00:00Z', 'now', '', 0, null])(
		'%j is refused',
		(value) => {
			expect(timestamp.safeParse(value).success).toBe(false);
		},
	);
});

describe('null', () => {
	it('stands for an absent member at every depth, but keeps its place in a list', () => {
		expect(withoutNulls({ a: null, b: { c: null, d: [null, { e: null }] }, f: 0, g: '' })).toEqual({
			b: { d: [null, {}] },
			f: 0,
			g: '',
		});
		for (const scalar of [null, 1, 'x', true]) expect(withoutNulls(scalar)).toBe(scalar);
	});

	it('does not lend a prototype', () => {
		const pruned = withoutNulls(JSON.parse('{"__proto__":{"a":1},"b":2}')) as Record<string, unknown>;
		expect(Object.keys(pruned)).toEqual(['__proto__', 'b']);
		expect(pruned.a).toBeUndefined();
	});

	it('is not looked for without end', () => {
		let [list, object]: unknown[] = [[], {}];
		for (let i = 0; i < 100_000; i++) [list, object] = [[list], { a: object }];
		expect(() => withoutNulls(list)).toThrow(FormatError);
		expect(() => withoutNulls(object)).toThrow(FormatError);
	});
});
