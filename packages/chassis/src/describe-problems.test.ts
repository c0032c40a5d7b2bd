import { expect, it } from 'vitest';
import { z } from 'zod';
import { describeProblems } from './describe-problems.ts';

const schema = z.strictObject({ digest: z.string(), members: z.record(z.string(), z.int()).optional() });
const problemsOf = (value: unknown) => describeProblems(schema.safeParse(value).error as z.ZodError);

it('says what is expected, and where', () => {
	expect(problemsOf({ digest: 7 })).toBe('✖ Invalid input: expected string, received number\n  → at digest');
});

it('names a member that nobody knows when it looks like one', () => {
	expect(problemsOf({ digest: '', digets: 1 })).toBe('✖ Unrecognized key: "digets"');
});

it.each([
	['a token', 'eyJhbGciOiJFUzI1NiJ9.eyJlbWFpbCI6ImFAYi5jIn0.c2lnbmF0dXJl'],
	['a key', 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg'],
	['a secret of hexadecimal digits', 'd'.repeat(64)],
	['a short secret', 'service-Zk3_9aQ4h'],
])('does not repeat %s', (_what, secret) => {
	expect(problemsOf({ digest: '', [secret]: 1 })).toBe(`✖ Unrecognized key: (${secret.length} characters)`);
	expect(problemsOf({ digest: '', members: { [secret]: 'x' } })).not.toContain(secret);
	expect(problemsOf({ digest: { [secret]: secret } })).not.toContain(secret);
});

it('names the first ten of many unknown members, and says how many there are', () => {
	const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`m${i}`, 0]));
	expect(problemsOf({ digest: '', ...many })).toBe(
		'✖ Unrecognized keys: "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9" and 990 more',
	);
});

it('names the first ten of many problems', () => {
	const members = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`m${i}`, 'x']));
	const lines = problemsOf({ digest: '', members }).split('\n');
	expect(lines.filter((line) => line.startsWith('✖'))).toHaveLength(10);
	expect(lines.at(-1)).toBe('  and 990 more problems');
});
