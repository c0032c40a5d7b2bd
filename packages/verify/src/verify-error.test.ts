import { readFileSync } from 'node:fs';
import { FormatError } from '@chancery/core/format-error';
import { describe, expect, it } from 'vitest';
import { readOr, VERIFY_ERROR_CODES, VerifyError } from './verify-error.ts';

describe('a refusal', () => {
	it('says what was expected and what was found', () => {
		const error = new VerifyError('identity-mismatch', 'issued to somebody else', { expected: 'alice', found: 'bob' });
		expect(error.message).toBe('issued to somebody else (expected alice, found bob)');
		expect(new VerifyError('log-unknown', 'x', { expected: 'a' }).message).toBe('x (expected a)');
		expect(new VerifyError('log-unknown', 'x', { found: 'a' }).message).toBe('x');
	});

	it('is bounded and printable, whatever stands in it', () => {
		const hostile = `\u001b]0;\u0007\r\u202e\u2028\ud800${'x'.repeat(10_000)}`;
		const { message, expected, found } = new VerifyError('log-unknown', hostile, { expected: hostile, found: hostile });
		for (const text of [message, expected ?? '', found ?? '']) expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028]/u);
		expect(message.length).toBeLessThan(5000);
		expect(found?.length).toBeLessThan(500);
		expect(new VerifyError('log-unknown', 'two\n  lines').message).toBe('two lines');
	});

	it('is made of what a parser refuses, and of nothing else', () => {
		const refuse = () =>
			readOr('sct-invalid', 'the list', () => {
				throw new FormatError('DER', 'cut off');
			});
		expect(refuse).toThrow(
			expect.objectContaining({ code: 'sct-invalid', message: 'the list is malformed: DER: cut off' }),
		);
		const fault = () =>
			readOr('sct-invalid', 'the list', () => {
				throw new RangeError('a bug');
			});
		expect(fault).toThrow(RangeError);
		expect(readOr('sct-invalid', 'the list', () => 7)).toBe(7);
	});

	it('stands in the README with its code, and no other does', () => {
		const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
		const rows = [...readme.matchAll(/^\| `([a-z-]+)` +\| \w/gm)].map(([, code]) => code);
		expect(rows).toEqual([...VERIFY_ERROR_CODES]);
	});
});
