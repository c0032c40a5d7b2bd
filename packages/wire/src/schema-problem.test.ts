import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { schemaProblem } from './schema-problem.ts';

const schema = z.strictObject({
	subject: z.array(z.looseObject({ digest: z.record(z.string(), z.string()) })).max(2),
	name: z.string(),
});

function problemOf(value: unknown): string {
	const { error } = schema.safeParse(value);
	if (!error) throw new Error('the schema took it');
	return schemaProblem(error);
}

describe('the problem of a value', () => {
	it.each([
		['nothing', undefined, 'nothing is there (object)'],
		['a text', 'x', 'expected object, received string'],
		['a missing member', { name: 'a', subject: [{ name: 'a' }] }, 'subject[0].digest is missing (record)'],
		['a number', { name: 7, subject: [] }, 'name: expected string, received number'],
		['an unknown member', { name: 'a', subject: [], x: 1 }, 'it has the unknown member "x"'],
		[
			'a strange name',
			{ name: 'a', subject: [{ digest: { 'a b': 1 } }] },
			/^subject\[0\]\.digest\["a b"\]: expected string/,
		],
	])('that is %s names its place', (_what, value, words) => {
		if (typeof words === 'string') expect(problemOf(value)).toBe(words);
		else expect(problemOf(value)).toMatch(words);
	});

	it('is one short line, whatever a stranger put there', () => {
		const digest = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`\n\u001b[31m${i}${'x'.repeat(500)}`, i]));
		const words = problemOf({ name: 'a', subject: [{ digest }] });
		expect(words).not.toMatch(/\p{Cc}/u);
		expect(words.length).toBeLessThan(500);
		expect(words).toContain('and 47 more');
	});
});
