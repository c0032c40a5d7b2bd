import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import {
	compareBytes,
	concatBytes,
	equalBytes,
	fromBase64,
	fromBase64Url,
	fromHex,
	fromUtf8,
	toBase64,
	toBase64Url,
	toHex,
	utf8,
} from './bytes.ts';
import { FormatError } from './format-error.ts';

describe('byte strings', () => {
	it('are joined in order', () => {
		expect(concatBytes(Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3))).toEqual(Uint8Array.of(1, 2, 3));
		expect(concatBytes()).toEqual(new Uint8Array(0));
	});

	it('are equal only with the same length and content', () => {
		expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
		expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
		expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1))).toBe(false);
	});

	it('are ordered as Buffer orders them', () => {
		const random = new SeededRandom(1);
		for (let i = 0; i < 500; i++) {
			const [a, b] = [random.bytes(random.below(4)), random.bytes(random.below(4))];
			expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
		}
	});
});

describe('hexadecimal and base64', () => {
	it.each(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'])('write %j as RFC 4648 section 10 does', (text) => {
		const base64 = {
			'': '',
			f: 'Zg==',
			fo: 'Zm8=',
			foo: 'Zm9v',
			foob: 'Zm9vYg==',
			fooba: 'Zm9vYmE=',
			foobar: 'Zm9vYmFy',
		};
		expect(toBase64(utf8(text))).toBe(base64[text as keyof typeof base64]);
		expect(fromBase64(base64[text as keyof typeof base64])).toEqual(utf8(text));
	});

	it('agree with Buffer on random bytes, both ways', () => {
		const random = new SeededRandom(2);
		for (let length = 0; length < 200; length++) {
			const bytes = random.bytes(length);
			expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
			expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
			expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString('base64url'));
			expect(fromHex(toHex(bytes).toUpperCase())).toEqual(bytes);
			expect(fromBase64(toBase64(bytes))).toEqual(bytes);
			expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
		}
	});

	it.each(['0', '0g', ' 00', '00 ', '0x00', '\u0660\u0660'])('refuse %j as hexadecimal', (text) => {
		expect(() => fromHex(text)).toThrow(FormatError);
	});

	it.each([
		['white space inside', 'Zm9v\nYmFy'],
		['white space at the end', 'Zm9v '],
		['padding missing', 'Zg'],
		['half the padding', 'Zg='],
		['too much padding', 'Zm9v===='],
		['padding inside', 'Zg==Zg=='],
		['set bits behind the last byte', 'Zh=='],
		['the URL alphabet', '-_-_'],
		['one character', 'Z'],
		['a foreign character', 'Zm9\u00e9'],
	])('refuse base64 with %s', (_what, text) => {
		expect(() => fromBase64(text)).toThrow(FormatError);
	});

	it.each(['Zg==', '+/+/', 'Z', 'Zm 9v', 'Zh'])('refuse %j as base64url', (text) => {
		expect(() => fromBase64Url(text)).toThrow(FormatError);
	});
});

describe('UTF-8', () => {
	it('keeps a byte order mark, so that reading and writing give the same bytes', () => {
		const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61);
		expect(utf8(fromUtf8(bytes))).toEqual(bytes);
	});

	it.each([
		['an overlong slash', [0xc0, 0xaf]],
		['a surrogate', [0xed, 0xa0, 0x80]],
		['a cut-off sequence', [0xe2, 0x82]],
		['a lone continuation byte', [0x80]],
		['a code point beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80]],
	])('refuses %s', (_what, bytes) => {
		expect(() => fromUtf8(Uint8Array.from(bytes))).toThrow(FormatError);
	});

	it('refuses to write half of a surrogate pair', () => {
		expect(() => utf8('a\ud800')).toThrow(FormatError);
	});

	it('reads random bytes to what writes the same bytes, or not at all', () => {
		const random = new SeededRandom(3);
		let read = 0;
		for (let i = 0; i < 3000; i++) {
			const bytes = random.bytes(1 + random.below(3));
			try {
				expect(utf8(fromUtf8(bytes))).toEqual(bytes);
				read += 1;
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
		expect(read).toBeGreaterThan(100);
	});
});
