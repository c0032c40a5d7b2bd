import { describe, expect, it } from 'vitest';
import { subjectUri } from './subject-uri.ts';

describe('a URI in a certificate', () => {
	it.each([
		['stays as it is', 'https://github.com/o/r/.github/workflows/a.yml@refs/heads/main', undefined],
		['keeps dot segments', 'https://github.com/o/../r/./x', undefined],
		['keeps a default port and the case of the host', 'https://GitHub.com:443/o', undefined],
		['keeps double slashes', 'https://a.example//b//c', undefined],
		['keeps a fragment', 'https://a.example/o@refs/heads/fix#12', undefined],
		['keeps a query', 'https://a.example/o?x=1&y=[2]', undefined],
		['keeps escapes', 'https://a.example/%41%2f', undefined],
		["keeps !'()*", "https://a.example/a!'()*", undefined],
		['keeps an empty path', 'https://a.example', undefined],
		['keeps an empty fragment', 'https://a.example/#', undefined],
		['writes the scheme in small letters', 'HTTPS://a.example/', 'https://a.example/'],
		['encodes spaces', 'https://a.example/x y', 'https://a.example/x%20y'],
		['encodes what is not ASCII', 'https://a.example/\u00fc\u{1f511}', 'https://a.example/%C3%BC%F0%9F%94%91'],
		['encodes quotes and brackets', 'https://a.example/"<>', 'https://a.example/%22%3C%3E'],
		['keeps escapes one escape when it encodes', 'https://a.example/%40 %2f', 'https://a.example/%40%20%2f'],
		['encodes in a fragment', 'https://a.example/#a b', 'https://a.example/#a%20b'],
		['encodes in a query', 'https://a.example/?a b', 'https://a.example/?a%20b'],
	])('%s', (_name, text, expected) => {
		expect(subjectUri(text)).toBe(expected ?? text);
	});

	it.each([
		'',
		'github.com/o/r',
		'//github.com/o',
		'https:///path',
		'mailto:a@b.example',
		'https://a b/',
		'https://a.example/%',
		'https://a.example/%4',
		'https://a.example/%zz',
		'https://a.example/#%g0',
		'https://a.example/\n',
		'https://a.example/\u0000',
		'https://a.example/\u0085',
		'https://a.example/\ud800',
		'https://ex\u00e4mple/',
	])('%j is refused', (text) => {
		expect(() => subjectUri(text)).toThrow('claim-malformed');
	});

	it('is ASCII without spaces, whatever text it came from', () => {
		let seed = 7;
		const random = (n: number) => {
			seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
			return (seed >> 8) % n;
		};
		const alphabet = ['a', '%', '4', ' ', '#', '?', '/', '\u00fc', '"', '\\', '@', ':', '\u{1f511}'];
		for (let i = 0; i < 2000; i++) {
			const text = `https://a.example/${Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join('')}`;
			try {
				const uri = subjectUri(text);
				expect(uri).toMatch(/^[\x21-\x7e]+$/);
				expect(subjectUri(uri)).toBe(uri);
			} catch (error) {
				expect(error).toMatchObject({ code: 'claim-malformed' });
			}
		}
	});
});
