/** The error of an attempt that must fail. */
import { VerifyError } from '@chancery/verify/verify-error';
import { expect } from 'vitest';
import { ClientError } from '../src/client-error.ts';

/** Returns the error. The test fails when there is none, or when it is of a type that no caller expects. */
export async function failureOf(attempt: Promise<unknown>): Promise<ClientError | VerifyError> {
	const error = await attempt.then(
		() => undefined,
		(thrown: unknown) => thrown,
	);
	expect(error, 'succeeded where it must fail').toBeDefined();
	if (!(error instanceof ClientError || error instanceof VerifyError)) throw error;
	return error;
}
