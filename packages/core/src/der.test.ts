import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex, utf8 } from './bytes.ts';
import {
	contextTag,
	DerReader,
	derBitString,
	derBoolean,
	derContext,
	derGeneralizedTime,
	derIa5,
	derInteger,
	derNamedBits,
	derNull,
	derOctetString,
	derOid,
	derPrintable,
	derRaw,
	derSequence,
	derSet,
	derTime,
	derUtcTime,
	derUtf8,
} from './der.ts';
import { FormatError } from './format-error.ts';

const hex = (...elements: Uint8Array[]) => toHex(concatBytes(...elements));
const reader = (text: string) => new DerReader(fromHex(text.replaceAll(' ', '')));
const at = (text: string) => new Date(text);

describe('writing DER', () => {
	it.each([
		['zero', derInteger(0), '020100'],
		['127', derInteger(127), '02017f'],
		['128', derInteger(128), '02020080'],
		['256', derInteger(256), '02020100'],
		['-1', derInteger(-1), '0201ff'],
		['-128', derInteger(-128), '020180'],
		['-129', derInteger(-129), '0202ff7f'],
		['a big integer', derInteger(2n ** 64n), '0209010000000000000000'],
		['a magnitude with its high bit set', derInteger(fromHex('ff00')), '020300ff00'],
		['a magnitude with leading zeros', derInteger(fromHex('000001')), '020101'],
		['a magnitude of nothing', derInteger(new Uint8Array(0)), '020100'],
		['true', derBoolean(true), '0101ff'],
		['false', derBoolean(false), '010100'],
		['NULL', derNull(), '0500'],
		['an identifier', derOid('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
		['octets', derOctetString(fromHex('0102')), '04020102'],
		['bits', derBitString(fromHex('0102')), '0303000102'],
		['digitalSignature', derNamedBits([0]), '03020780'],
		['keyCertSign and cRLSign', derNamedBits([5, 6]), '03020106'],
		['decipherOnly', derNamedBits([8]), '0303070080'],
		['no bits', derNamedBits([]), '030100'],
		['UTF-8', derUtf8('é'), '0c02c3a9'],
		['a printable text', derPrintable('A b'), '1303412062'],
		['an ASCII text', derIa5('a@b'), '1603614062'],
		['a sequence', derSequence(derNull(), derNull()), '300405000500'],
		['a set in order of its encodings', derSet(derInteger(3), derInteger(1), derInteger(2)), '3109020101020102020103'],
		['a set with the shorter of two first', derSet(fromHex('040100'), fromHex('0400')), '31050400040100'],
		['an explicit tag', derContext(3, {}, derNull()), 'a3020500'],
		['an implicit tag', derContext(1, { constructed: false }, utf8('a')), '810161'],
		['a UTCTime', derUtcTime(at('2026-01-02T03:04:05.999Z')), '170d3236303130323033303430355a'],
		['a GeneralizedTime', derGeneralizedTime(at('2050-01-01T00:00:00Z')), '180f32303530303130313030303030305a'],
	])('encodes %s', (_what, element, expected) => {
		expect(hex(element)).toBe(expected);
	});

	it.each([
		[0, '00'],
		[127, '7f'],
		[128, '8180'],
		[255, '81ff'],
		[256, '820100'],
		[65_535, '82ffff'],
		[65_536, '83010000'],
		[16_777_216, '8401000000'],
	])('encodes a length of %i in the fewest octets', (length, expected) => {
		const element = derRaw(0x04, new Uint8Array(length));
		expect(toHex(element.subarray(1, 1 + expected.length / 2))).toBe(expected);
		expect(new DerReader(element).octetString()).toHaveLength(length);
	});

	it('changes from UTCTime to GeneralizedTime with the year 2050', () => {
		expect(derTime(at('2049-12-31T23:59:59Z'))[0]).toBe(0x17);
		expect(derTime(at('2050-01-01T00:00:00Z'))[0]).toBe(0x18);
	});

	it.each([
		['a letter beyond ASCII', () => derIa5('é')],
		['an at sign in a PrintableString', () => derPrintable('a@b')],
		['half of a surrogate pair', () => derUtf8('\ud800')],
		['a UTCTime in 2050', () => derUtcTime(at('2050-01-01T00:00:00Z'))],
		['a UTCTime in 1949', () => derUtcTime(at('1949-12-31T23:59:59Z'))],
		['a year of five digits', () => derGeneralizedTime(at('+010000-01-01T00:00:00Z'))],
		['a date that is none', () => derTime(new Date(Number.NaN))],
		['no identifier', () => derOid('1')],
	])('refuses %s', (_what, write) => {
		expect(write).toThrow(FormatError);
	});
});

describe('reading DER', () => {
	it('walks nested elements in order', () => {
		const outer = reader('300d 020105 a3 03 0101ff 0403 616263');
		const fields = outer.sequence();
		expect(fields.smallInteger()).toBe(5);
		expect(fields.optionalContext(1)).toBeUndefined();
		const explicit = fields.context(3);
		expect(explicit.boolean()).toBe(true);
		explicit.end();
		expect(fields.peekTag()).toBe(0x04);
		expect(fields.read()).toEqual({ tag: 4, value: utf8('abc'), raw: fromHex('0403616263') });
		expect(fields.peekTag()).toBeUndefined();
		fields.end();
		outer.end();
	});

	it('hands out views of plain bytes, also of a Buffer', () => {
		const value = new DerReader(Buffer.from('0403616263', 'hex')).octetString();
		expect(value.constructor).toBe(Uint8Array);
		expect(value).toEqual(utf8('abc'));
	});

	it.each<[string, string, (reader: DerReader) => unknown]>([
		['nothing', '', (r) => r.read()],
		['a tag alone', '04', (r) => r.read()],
		['a length beyond the end', '0402aa', (r) => r.read()],
		['an indefinite length', '30800000', (r) => r.read()],
		['a long form for a short length', '048101aa', (r) => r.read()],
		['a padded long length', `04820080${'aa'.repeat(128)}`, (r) => r.read()],
		['a length of five octets', '04850000000001aa', (r) => r.read()],
		['a cut-off length', '048201', (r) => r.read()],
		['a huge length', '0484ffffffff', (r) => r.read()],
		['a tag of several bytes', '1f8101 00', (r) => r.read()],
		['an end-of-contents', '0000', (r) => r.read()],
		['another tag', '0401aa', (r) => r.read(0x02)],
		['trailing bytes', '0500 00', (r) => [r.null(), r.end()]],
		['a NULL with content', '0501aa', (r) => r.null()],
		['a boolean of 1', '010101', (r) => r.boolean()],
		['an empty boolean', '0100', (r) => r.boolean()],
		['a boolean of two octets', '0102ffff', (r) => r.boolean()],
		['an empty integer', '0200', (r) => r.integer()],
		['an integer padded with zeros', '02020001', (r) => r.integer()],
		['an integer padded with ones', '0202ff80', (r) => r.integer()],
		['a number beyond 2^53', '020720000000000000', (r) => r.smallInteger()],
		['a padded identifier', '06038001 01', (r) => r.oid()],
		['an empty identifier', '0600', (r) => r.oid()],
		['a bit string without its first octet', '0300', (r) => r.bitString()],
		['a bit string that is not whole bytes', '03020780', (r) => r.bitString()],
		['named bits with trailing zeros', '03020540', (r) => r.namedBits()],
		['named bits with a set unused bit', '03020781', (r) => r.namedBits()],
		['named bits with eight unused', '03020880', (r) => r.namedBits()],
		['no named bits with unused ones', '030107', (r) => r.namedBits()],
		['an empty set of named bits', '0300', (r) => r.namedBits()],
		['a text with a foreign letter', '1601e9', (r) => r.text()],
		['a printable text with an at sign', '130140', (r) => r.text()],
		['a type of text that we do not read', '1e020041', (r) => r.text()],
		['a time without Z', '170c323630313032303330343035', (r) => r.time()],
		['a time without seconds', '170b32363031303230333034 5a', (r) => r.time()],
		['no time', '0500', (r) => r.time()],
	])('refuses %s', (_what, bytes, read) => {
		expect(() => read(reader(bytes))).toThrow(FormatError);
	});

	it('refuses to go deeper than any format of ours', () => {
		let nested: Uint8Array = derNull();
		for (let level = 0; level < 40; level++) nested = derSequence(nested);
		const descend = () => {
			let inner = new DerReader(nested);
			for (let level = 0; level < 40; level++) inner = inner.sequence();
		};
		expect(descend).toThrow(FormatError);
	});

	it('reads integers of either sign', () => {
		for (const value of [0n, 1n, -1n, 127n, 128n, -128n, -129n, 255n, 256n, 2n ** 159n, -(2n ** 159n)]) {
			expect(new DerReader(derInteger(value)).integer()).toBe(value);
		}
	});

	it.each([
		['491231235959Z', '2049-12-31T23:59:59.000Z'],
		['500101000000Z', '1950-01-01T00:00:00.000Z'],
		['240229120000Z', '2024-02-29T12:00:00.000Z'],
	])('reads the UTCTime %s', (text, iso) => {
		expect(new DerReader(derRaw(0x17, utf8(text))).time().toISOString()).toBe(iso);
	});

	it.each([
		['20260102030405Z', '2026-01-02T03:04:05.000Z'],
		['20260102030405.5Z', '2026-01-02T03:04:05.500Z'],
		['20260102030405.0019Z', '2026-01-02T03:04:05.001Z'],
		['99991231235959Z', '9999-12-31T23:59:59.000Z'],
	])('reads the GeneralizedTime %s', (text, iso) => {
		expect(new DerReader(derRaw(0x18, utf8(text))).time().toISOString()).toBe(iso);
	});

	it.each([
		[0x17, '250229120000Z'],
		[0x17, '250132000000Z'],
		[0x17, '251301000000Z'],
		[0x17, '250101240000Z'],
		[0x17, '250101006000Z'],
		[0x17, '250101000060Z'],
		[0x17, '2501010000+0100'],
		[0x17, '20250101000000Z'],
		[0x18, '20260102030405.50Z'],
		[0x18, '20260102030405.Z'],
		[0x18, '20260102030405,5Z'],
		[0x18, '20260102030405+0000'],
		[0x18, '00990101000000Z'],
		[0x18, ''],
	])('refuses the time 0x%s %j', (tag, text) => {
		expect(() => new DerReader(derRaw(tag, utf8(text))).time()).toThrow(FormatError);
	});
});

/** Writes an element again from its parts, as deep as constructed tags go. */
function rewrite(der: DerReader): Uint8Array[] {
	const elements: Uint8Array[] = [];
	while (der.hasMore) {
		const tag = der.peekTag()!;
		if ((tag & 0x20) !== 0) elements.push(derRaw(tag, ...rewrite(der.enter(tag))));
		else elements.push(derRaw(tag, der.read().value));
	}
	return elements;
}

describe('any bytes', () => {
	const sample = derSequence(
		derContext(0, {}, derInteger(2)),
		derInteger(2n ** 100n),
		derSequence(derOid('1.2.840.10045.4.3.2'), derNull()),
		derSet(derUtf8('a'), derPrintable('b')),
		derBitString(new Uint8Array(200)),
		derContext(3, {}, derSequence(derBoolean(true), derOctetString(derTime(at('2026-01-01T00:00:00Z'))))),
	);

	it('that are damaged DER are refused, or are DER again', () => {
		const random = new SeededRandom(13);
		let read = 0;
		for (let i = 0; i < 5000; i++) {
			const damaged = random.mangle(sample);
			try {
				expect(hex(...rewrite(new DerReader(damaged)))).toBe(toHex(damaged));
				read += 1;
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
		expect(read).toBeGreaterThan(200);
	});

	it('at random are refused, or are DER, by every reading method', () => {
		const random = new SeededRandom(14);
		const methods = ['read', 'sequence', 'set', 'boolean', 'null', 'integer', 'smallInteger', 'oid'] as const;
		const more = ['octetString', 'bitString', 'namedBits', 'text', 'time', 'integerBytes'] as const;
		const tags = [1, 2, 3, 4, 5, 6, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, contextTag(0, true)];
		for (let i = 0; i < 20_000; i++) {
			const content = random.bytes(random.below(20));
			const bytes = random.below(2) === 0 ? content : derRaw(random.pick(tags), content);
			try {
				new DerReader(bytes)[random.pick([...methods, ...more])]();
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
	});
});
