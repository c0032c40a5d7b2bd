import { describe, expect, it } from 'vitest';
import { fromUtf8, toHex } from './bytes.ts';
import { cosignedMessage, encodeCosignature, parseCosignature } from './cosignature.ts';
import { FormatError } from './format-error.ts';

const signature = new Uint8Array(64).fill(0xab);

describe('a cosignature', () => {
	it('signs the time and the whole text of the checkpoint', () => {
		expect(fromUtf8(cosignedMessage(1679315147, 'example.com/behind-the-sofa\n20852163\nroot\n'))).toBe(
			'cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nroot\n',
		);
	});

	it('is the time in eight bytes and the signature, and reads back', () => {
		const bytes = encodeCosignature({ timestampSeconds: 1778700214, signature });
		expect(toHex(bytes)).toBe(`000000006a04cfb6${'ab'.repeat(64)}`);
		expect(parseCosignature(bytes)).toEqual({ timestampSeconds: 1778700214, signature });
	});

	it.each([
		['a byte too few', new Uint8Array(71)],
		['a byte too many', new Uint8Array(73)],
		['a time beyond 2^53', new Uint8Array(72).fill(0xff)],
		['nothing', new Uint8Array(0)],
	])('is refused with %s', (_what, bytes) => {
		expect(() => parseCosignature(bytes)).toThrow(FormatError);
	});

	it('is not written with another signature or half a second', () => {
		expect(() => encodeCosignature({ timestampSeconds: 1, signature: new Uint8Array(63) })).toThrow(FormatError);
		expect(() => encodeCosignature({ timestampSeconds: 1.5, signature })).toThrow(FormatError);
		expect(() => cosignedMessage(-1, 'x\n')).toThrow(FormatError);
	});
});
