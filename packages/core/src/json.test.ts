import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../test/seeded-random.ts';
import { utf8 } from './bytes.ts';
import { FormatError } from './format-error.ts';
import { parseJson } from './json.ts';

describe('JSON from outside', () => {
	it('is read from text and from UTF-8', () => {
		expect(parseJson('{"a":[1,"é",null]}')).toEqual({ a: [1, 'é', null] });
		expect(parseJson(utf8('{"a":[1,"é",null]}'))).toEqual({ a: [1, 'é', null] });
	});

	it.each(['', '{', '{"a":1,}', "{'a':1}", 'NaN', '[1] [2]', '\ufeff{}', '{"a":1}\0', '"\n"'])('refuses %j', (text) => {
		expect(() => parseJson(text)).toThrow(FormatError);
	});

	it('refuses bytes that are not UTF-8', () => {
		expect(() => parseJson(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(FormatError);
	});

	it('does not repeat the input in its message, which ends up in logs', () => {
		expect(() => parseJson('secret-token')).toThrow(/^JSON: not valid$/);
	});

	it('makes no prototype out of a member name', () => {
		const value = parseJson('{"__proto__":{"admin":true}}') as { admin?: boolean };
		expect(value.admin).toBeUndefined();
		expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
	});

	it('bounds nesting, counting arrays and objects', () => {
		expect(parseJson('[[1]]', { maxDepth: 2 })).toEqual([[1]]);
		expect(() => parseJson('[[{}]]', { maxDepth: 2 })).toThrow(FormatError);
		expect(() => parseJson('{"a":{"b":{}}}', { maxDepth: 2 })).toThrow(FormatError);
		expect(parseJson('1', { maxDepth: 0 })).toBe(1);
		expect(() => parseJson('['.repeat(65) + ']'.repeat(65))).toThrow(FormatError);
		expect(() => parseJson('['.repeat(1_000_000) + ']'.repeat(1_000_000))).toThrow(FormatError);
	});

	it('throws nothing but its own error for damaged input', () => {
		const random = new SeededRandom(10);
		const text = utf8('{"a":[1,2.5e3,"\\u00e9",{"b":null}],"c":true}');
		for (let i = 0; i < 3000; i++) {
			try {
				parseJson(random.mangle(text));
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
	});
});
