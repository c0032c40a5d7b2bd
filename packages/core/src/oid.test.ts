import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from './bytes.ts';
import { FormatError } from './format-error.ts';
import { decodeOid, encodeOid } from './oid.ts';

describe('object identifiers', () => {
	it.each([
		['2.5.29.15', '551d0f'],
		['1.2.840.10045.3.1.7', '2a8648ce3d030107'],
		['1.2.840.113549.1.1.11', '2a864886f70d01010b'],
		['1.3.6.1.4.1.11129.2.4.2', '2b06010401d679020402'],
		['0.0', '00'],
		['0.39', '27'],
		['1.0', '28'],
		['1.39', '4f'],
		['2.0', '50'],
		['2.999', '8837'],
		['2.25.329800735698586629295641978511506172918', '6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776'],
	])('%s has the content octets %s', (dotted, hex) => {
		expect(toHex(encodeOid(dotted))).toBe(hex);
		expect(decodeOid(fromHex(hex))).toBe(dotted);
	});

	it.each(['', '1', '3.1', '1.40', '1.2.', '.1.2', '1..2', '1.02', '1.-2', '1.2.a', '1.2 ', `1.2.${'9'.repeat(300)}`])(
		'%j is none',
		(dotted) => {
			expect(() => encodeOid(dotted)).toThrow(FormatError);
		},
	);

	it.each([
		['no octets', ''],
		['a padded arc', '558001'],
		['a padded first arc', '8037'],
		['a cut-off arc', '5581'],
		['too many octets', '2a'.repeat(65)],
	])('%s are refused', (_what, hex) => {
		expect(() => decodeOid(fromHex(hex))).toThrow(FormatError);
	});

	it('random octets read to what writes the same octets, or not at all', () => {
		const random = new SeededRandom(12);
		let read = 0;
		for (let i = 0; i < 5000; i++) {
			const content = random.bytes(random.below(16));
			try {
				expect(encodeOid(decodeOid(content))).toEqual(content);
				read += 1;
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
		expect(read).toBeGreaterThan(1000);
	});
});
