import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { DomainError } from '../domain-error.ts';
import { MAX_JSON_DEPTH, MAX_JSON_STRUCTURE, parseJsonBody } from './json-body.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const nested = (levels: number) => bytes(`${'['.repeat(levels)}${']'.repeat(levels)}`);

describe('a JSON body', () => {
	it.each<[string, unknown]>([
		['{"a":[1,-2.5e3,"\\u00e9",null,true]}', { a: [1, -2500, 'é', null, true] }],
		['  "text"\n', 'text'],
		['0', 0],
	])('%s is read as it is', (text, value) => {
		expect(parseJsonBody(bytes(text))).toEqual(value);
	});

	it.each<[string, Uint8Array | undefined, RegExp]>([
		['absent', undefined, /required/],
		['empty', new Uint8Array(), /required/],
		['only space', bytes('  '), /not valid JSON/],
		['cut off', bytes('{"a":'), /not valid JSON/],
		['followed by more', bytes('{} {}'), /not valid JSON at character 3/],
		['NaN', bytes('{"a":NaN}'), /not valid JSON/],
		['Infinity by exponent', bytes('{"a":[1e999]}'), /too large/],
		['minus infinity by exponent', bytes('-1e999'), /too large/],
		['not UTF-8', Uint8Array.of(0x22, 0xff, 0x22), /not valid UTF-8/],
		['UTF-16', Uint8Array.of(0xff, 0xfe, 0x7b, 0, 0x7d, 0), /not valid UTF-8/],
		['an overlong escape of UTF-8', Uint8Array.of(0x22, 0xc0, 0x80, 0x22), /not valid UTF-8/],
		['too deep', nested(MAX_JSON_DEPTH + 1), /nested deeper/],
		['a million levels deep', nested(1_000_000), /more than 16384 braces/],
		['aimed at a prototype', bytes('{"a":{"__proto__":{"admin":true}}}'), /__proto__/],
	])('that is %s is refused', (_, body, words) => {
		expect(() => parseJsonBody(body)).toThrow(DomainError);
		expect(() => parseJsonBody(body)).toThrow(words);
		expect(() => parseJsonBody(body)).toThrow(expect.objectContaining({ code: 'invalid-json' }));
	});

	it('may be as deep as the bound', () => {
		expect(parseJsonBody(nested(MAX_JSON_DEPTH))).toBeInstanceOf(Array);
	});

	it('may have as much structure as the bound', () => {
		expect(parseJsonBody(bytes(`[${'1,'.repeat(MAX_JSON_STRUCTURE - 1)}1]`))).toHaveLength(MAX_JSON_STRUCTURE);
		expect(parseJsonBody(bytes(`{"text":"${'a'.repeat(20_000_000)}"}`))).toBeTypeOf('object');
	});

	it.each([
		['empty objects', `[${'{},'.repeat(1_000_000)}0]`],
		['empty arrays', `[${'[],'.repeat(1_000_000)}0]`],
		['numbers', `[${'1,'.repeat(1_000_000)}0]`],
		['members', `{${Array.from({ length: 300_000 }, (_, i) => `"${i.toString(36)}":0`).join()}}`],
		['something that is no JSON in the end', `[${'{},'.repeat(1_000_000)}`],
	])('of a million %s is refused before one of them is made', (_, text) => {
		expect(() => parseJsonBody(bytes(text))).toThrow(
			expect.objectContaining({ code: 'invalid-json', message: expect.stringMatching(/more than 16384 braces/) }),
		);
	});

	it('is not quoted in the refusal, nor handed to the log as its cause', () => {
		try {
			parseJsonBody(bytes('{"token": eyJsecret}'));
			expect.unreachable();
		} catch (error) {
			expect(String(error)).not.toContain('secret');
			expect((error as Error).cause).toBeUndefined();
		}
	});

	it('of random bytes is a value or the typed refusal', () => {
		const random = new SeededRandom(99);
		const alphabet = bytes('{}[]",:0123456789.eE+-truefalsn\\u_proto \u00e9');
		for (let round = 0; round < 3000; round++) {
			const body = Uint8Array.from({ length: 1 + random.below(40) }, () =>
				random.below(10) === 0 ? random.below(256) : alphabet[random.below(alphabet.length)]!,
			);
			try {
				expect(JSON.parse(JSON.stringify(parseJsonBody(body)))).toEqual(JSON.parse(new TextDecoder().decode(body)));
			} catch (error) {
				if ((error as Error).name === 'AssertionError') throw error;
				expect(error).toBeInstanceOf(DomainError);
			}
		}
	});
});
