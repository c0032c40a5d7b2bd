import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { utf8 } from './bytes.ts';
import { FormatError } from './format-error.ts';
import { hasMoreStructure, parseJson, parseUniqueJson } from './json.ts';

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

describe('JSON that everybody must read alike', () => {
	it.each([
		['a', '{"a":1,"a":2}'],
		['a', '{"a":1,"a":1}'],
		['c', '{"a":1,"b":[{"c":{},"d":[],"c":"x"}]}'],
		['a', '{"a":1,"\\u0061":2}'],
		['\\"', '{"\\"":1,"\\u0022":2}'],
		['\\\\', '{"\\\\":1,"\\u005c":2}'],
		['é', '{"é":1,"\\u00E9":2}'],
		['', '{"":1,"":2}'],
		['__proto__', '{"__proto__":1,"__proto__":2}'],
		['a', ' { "a" : "}" , "b" : "{,\\"" , "a" : [ ] } '],
		['a', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)},"a":1}`],
	])('is refused with the member %j twice in one object', (name, text) => {
		expect(() => parseUniqueJson(text)).toThrow(
			new FormatError('JSON', `the member "${name}" stands twice in one object`),
		);
		expect(() => parseUniqueJson(utf8(text))).toThrow(FormatError);
	});

	it.each([
		'{"a":{"a":{"a":[{"a":1},{"a":2}]}}}',
		'{"a":"a","b":["a","a"],"A":"a"}',
		'{"a":"\\"a\\":1,","b":"{\\"a\\":","c":"\\\\"}',
		'["a","a",{"a":["a"]},"a"]',
		'"a"',
		'{}',
	])('is read as ever without: %s', (text) => {
		expect(parseUniqueJson(text)).toEqual(JSON.parse(text));
	});

	it('is bounded and told in the same way as other JSON', () => {
		expect(() => parseUniqueJson('{"a":1,}')).toThrow(/^JSON: not valid$/);
		expect(() => parseUniqueJson('['.repeat(1_000_000) + ']'.repeat(1_000_000))).toThrow(FormatError);
		expect(() => parseUniqueJson(`{"${'x'.repeat(1000)}":1,"${'x'.repeat(1000)}":2}`)).toThrow(/^.{0,100}$/);
	});

	it('takes one pass, however large', () => {
		const backslashes = '\\\\'.repeat(500_000);
		const members = Array.from({ length: 50_000 }, (_, i) => `"${i}":[{}]`).join(',');
		const text = `{${members},"long":"${backslashes}","${backslashes}":1}`;
		expect(Object.keys(parseUniqueJson(text) as object)).toHaveLength(50_002);
		expect(() => parseUniqueJson(`${text.slice(0, -1)},"long":1}`)).toThrow(/"long" stands twice/);
	});

	it('is judged like its members were made, whatever they are', () => {
		const random = new SeededRandom(15);
		const spelled = (name: string) =>
			[...name].map((c) => (random.below(3) ? JSON.stringify(c).slice(1, -1) : `\\u${hex(c)}`)).join('');
		const hex = (c: string) => c.charCodeAt(0).toString(16).padStart(4, '0');
		const NAMES = ['a', 'b', 'c', '"', '\\', 'é', '{', '}', ',', ':', '', 'a"', '"a', '\\"', '[', ']'];
		const gap = () => random.pick(['', '', ' ', '\n\t']);
		let hasTwice = false;
		const make = (depth: number): string => {
			const kind = random.below(depth > 4 ? 3 : 6);
			if (kind === 0) return random.pick(['1', '-2.5e3', 'true', 'null']);
			if (kind <= 2) return `"${spelled(random.pick(NAMES))}"`;
			const parts = Array.from({ length: random.below(4) }, () => make(depth + 1));
			if (kind === 3) return `[${parts.map((part) => gap() + part).join(`${gap()},`)}${gap()}]`;
			const names = parts.map(() => random.pick(NAMES));
			hasTwice ||= names.some((name, i) => names.indexOf(name) !== i);
			return `{${parts.map((part, i) => `${gap()}"${spelled(names[i]!)}"${gap()}:${gap()}${part}`).join(',')}${gap()}}`;
		};
		const seen = { once: 0, twice: 0 };
		for (let i = 0; i < 5000; i++) {
			hasTwice = false;
			const text = make(0);
			seen[hasTwice ? 'twice' : 'once']++;
			if (hasTwice) expect(() => parseUniqueJson(text), text).toThrow(/stands twice/);
			else expect(parseUniqueJson(text), text).toEqual(JSON.parse(text));
		}
		expect(seen.once).toBeGreaterThan(200);
		expect(seen.twice).toBeGreaterThan(200);
	});
});

describe('the structure of JSON', () => {
	it.each([
		['{"a":[1,2]}', 4],
		['[[],[],{}]', 6],
		['{"a":"b","c":"d"}', 4],
		['"text"', 0],
		['["{,:"]', 4],
	])('of %s is counted in text and in bytes', (text, count) => {
		for (const json of [text, utf8(text)]) {
			expect(hasMoreStructure(json, count)).toBe(false);
			if (count > 0) expect(hasMoreStructure(json, count - 1)).toBe(true);
		}
	});
});
