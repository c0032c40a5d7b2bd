import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
	base64Bytes,
	enumeration,
	int32Number,
	int64String,
	lenientMessage,
	nonEmptyBytes,
	strictMessage,
	timestamp,
} from './proto-json.ts';

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

	it.each([
		['AA', [0]],
		['-_8=', [0xfb, 0xff]],
		['-_8', [0xfb, 0xff]],
		['AA==\n', [0]],
		['AQ\r\nID', [1, 2, 3]],
	])('%j is another spelling of %j', (text, bytes) => {
		expect(base64Bytes.parse(text)).toEqual(Uint8Array.from(bytes));
	});

	it.each(['A', 'AB', 'AB==', '+_8=', '-/8', ' AA==', 'A===', 'AA=', 'AAA==', '=', 'AA==AA==', 'é', 1, null, [], {}])(
		'%j is no base64: an issue, not an exception',
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
		['-0', 0],
		[-0, 0],
		['1.0', 1],
		['1e3', 1000],
		['10E-1', 1],
		['1.5e1', 15],
		['0.000e99', 0],
		['9007199254740991.000', Number.MAX_SAFE_INTEGER],
		['900719925474099100e-2', Number.MAX_SAFE_INTEGER],
	])('%j is %d', (value, number) => {
		expect(int64String.parse(value)).toBe(number);
		expect(z.encode(int64String, number)).toBe(String(number));
	});

	it.each([
		'',
		'-1',
		'+1',
		'01',
		'00',
		'1.',
		'.5',
		'1.5',
		'15e-1',
		'1e-1',
		'1e',
		'1e16',
		'1e999',
		'1e9999',
		'9007199254740990.6',
		'90071992547409921e-1',
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

	it.each([
		'2026-01-02',
		'2026-01-02T03:04:05',
		'2026-01-02T03:04Z',
		'2026-02-29T00:00:00Z',
		'2026-02-30T00:00:00Z',
		'2026-13-01T00:00:00Z',
		'2026-01-02T24:00:00Z',
		'2026-01-02T23:59:60Z',
		'2026-01-02T03:04:05.1234567891Z',
		'0000-01-01T00:00:00Z',
		'9999-12-31T23:59:59-00:01',
		'now',
		'',
		0,
		null,
	])('%j is refused', (value) => {
		expect(timestamp.safeParse(value).success).toBe(false);
	});
});

describe('a 32-bit integer', () => {
	it.each([
		[7, 7],
		['7', 7],
		['70e-1', 7],
		[-0, 0],
	])('%j is %d, and written as a number', (value, number) => {
		expect(int32Number.parse(value)).toBe(number);
		expect(z.encode(int32Number, number)).toBe(number);
	});

	it.each([-1, 0.5, 2 ** 31, '2147483648', '', 'one', null, true])('%j is refused', (value) => {
		expect(int32Number.safeParse(value).success).toBe(false);
	});
});

describe('an enumeration', () => {
	const colour = enumeration({ 0: 'NONE', 1: 'RED' });

	it('is read by name and number, and written by name', () => {
		expect(['RED', 1, 0].map((value) => colour.parse(value))).toEqual(['RED', 'RED', 'NONE']);
		expect(z.encode(colour, 'RED')).toBe('RED');
	});

	it('keeps a number that it does not know as one', () => {
		expect(colour.parse(-7)).toBe('-7');
		expect(z.encode(colour, '-7')).toBe(-7);
	});

	it.each([1.5, 2 ** 60, null, {}, '1', '', 'X'.repeat(65)])('is not %j', (value) => {
		expect(colour.safeParse(value).success).toBe(false);
	});
});

describe.each([
	['strict', strictMessage],
	['lenient', lenientMessage],
] as const)('a %s message', (kind, message) => {
	const schema = message({
		rawBytes: base64Bytes.optional(),
		v002Kind: message({ aB: z.string().optional() }).optional(),
	});

	it('has members by either name, with null as absent', () => {
		const value = { rawBytes: Uint8Array.of(0), v002Kind: { aB: 'x' } };
		for (const json of [
			{ rawBytes: 'AA==', v002Kind: { aB: 'x' } },
			{ raw_bytes: 'AA', v002_kind: { a_b: 'x' } },
		])
			expect(schema.parse(json)).toEqual(value);
		expect(schema.parse({ rawBytes: null, v002Kind: {} })).toEqual({ v002Kind: {} });
		expect(z.encode(schema, value)).toEqual({ rawBytes: 'AA==', v002Kind: { aB: 'x' } });
	});

	it.each([
		['one name twice', { rawBytes: 'AA==', raw_bytes: 'AA==' }],
		['one name twice, deep inside', { v002Kind: { aB: 'x', a_b: 'x' } }],
		['one name twice, once as null', { rawBytes: null, raw_bytes: 'AA==' }],
		['a list', []],
		['null inside a message', { v002Kind: [null] }],
		['text', 'x'],
		['nothing', undefined],
	])('is not %s', (_what, json) => {
		expect(schema.safeParse(json).success).toBe(false);
	});

	it('does not lend a prototype', () => {
		const parsed = schema.safeParse(JSON.parse('{"__proto__":{"rawBytes":"AA=="},"v002Kind":{}}'));
		expect(parsed.success).toBe(kind === 'lenient');
		expect(parsed.data?.rawBytes).toBeUndefined();
		expect(schema.parse(Object.create({ rawBytes: 'AA==' }))).toEqual({});
	});

	it('of unknown members drops or refuses all', () => {
		expect(schema.safeParse({ extra: 1 }).success).toBe(kind === 'lenient');
		let deep: unknown = {};
		for (let i = 0; i < 100_000; i++) deep = { extra: deep };
		expect(schema.safeParse(deep).success).toBe(kind === 'lenient');
	});
});

it('a strict message may have members with one name only', () => {
	const schema = strictMessage({ payloadType: z.string() }, ['payloadType']);
	expect(schema.parse({ payloadType: 'x' })).toEqual({ payloadType: 'x' });
	expect(schema.safeParse({ payload_type: 'x' }).success).toBe(false);
});
