/** Asserting that a bundle is refused, and with which code. */
import { expect } from 'vitest';
import { VerifyError, type VerifyErrorCode } from '../src/verify-error.ts';

/** The refusal; fails the test when there is none, or when another error comes. */
export async function refusalOf(attempt: Promise<unknown>): Promise<VerifyError> {
	const error = await attempt.then(
		() => undefined,
		(thrown: unknown) => thrown,
	);
	expect(error, 'accepted what must be refused').toBeDefined();
	if (!(error instanceof VerifyError)) throw error;
	return error;
}

export async function expectRefusal(attempt: Promise<unknown>, code: VerifyErrorCode, words?: RegExp): Promise<void> {
	const error = await refusalOf(attempt);
	expect(error.code, error.message).toBe(code);
	if (words) expect(error.message).toMatch(words);
}
