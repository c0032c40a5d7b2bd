import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from './bytes.ts';
import { preAuthEncode } from './dsse.ts';

describe('the pre-authentication encoding', () => {
	it.each([
		['http://example.com/HelloWorld', 'hello world', 'DSSEv1 29 http://example.com/HelloWorld 11 hello world'],
		['', '', 'DSSEv1 0  0 '],
		['é', 'ß', 'DSSEv1 2 é 2 ß'],
	])('of type %j and payload %j counts bytes', (type, payload, encoded) => {
		expect(fromUtf8(preAuthEncode(type, utf8(payload)))).toBe(encoded);
	});

	it('never gives two pairs of type and payload the same bytes', () => {
		const pairs = [
			['a', 'b 1 c'],
			['a 5 b', '1 c'],
			['a b', '1 c'],
			['a', 'b'],
		] as const;
		const encodings = pairs.map(([type, payload]) => fromUtf8(preAuthEncode(type, utf8(payload))));
		expect(new Set(encodings).size).toBe(pairs.length);
	});
});
