import { describe, expect, it } from 'vitest';
import { foreign, seen } from './foreign-text.ts';

describe('text of others', () => {
	it.each([
		['sigstore', 'sigstore'],
		['Zoë Ångström 山田', 'Zoë Ångström 山田'],
		['a\u202Eb', 'a U+202E b'],
		['a\u2066b\u2069', 'a U+2066 b U+2069 '],
		['a\u0000\tb', 'a U+0000  U+0009 b'],
		['zero\u200Bwidth', 'zero U+200B width'],
		['soft\u00ADhyphen', 'soft U+00AD hyphen'],
		['wide\u3000space', 'wide U+3000 space'],
		['line\u2028end', 'line U+2028 end'],
		['tag\u{E0041}', 'tag U+E0041 '],
	])('%j is seen as %j', (text, shown) => {
		expect(seen(text)).toBe(shown);
	});

	it('is bounded, also where half a character would be left', () => {
		expect(seen('x'.repeat(1000), 10)).toBe('xxxxxxxxxx…');
		expect(seen('\u{1F511}'.repeat(5), 3)).toBe('\u{1F511}\uFFFD…');
	});

	it('is escaped, and turns nothing around it', () => {
		expect(foreign('<b>"').text).toBe('<bdi>&lt;b&gt;&quot;</bdi>');
	});
});
