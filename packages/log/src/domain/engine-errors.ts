/**
 * What the log engine refuses, in the codes of this service. Every call of the engine goes through `askEngine`, so that
 * no refusal of its becomes an unexplained 500.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { TlogError } from '@chancery/tlog/tlog-error';

/** Engine code -> ours. What is not listed is our own mistake and stays unexpected. */
const CODES: Readonly<Record<string, string>> = {
	overloaded: 'overloaded',
	'read-only': 'log-read-only',
	'entry-refused': 'entry-refused',
	'clock-skew': 'clock-skew',
	'clock-lead': 'clock-lead',
	unavailable: 'unavailable',
};

/** Runs `work` and translates what the engine throws. @throws {DomainError} */
export async function askEngine<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (!(error instanceof TlogError)) throw error;
		const code = CODES[error.code];
		if (code === undefined) throw error;
		throw new DomainError(code, error.detail, {
			cause: error,
			...(error.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: error.retryAfterSeconds }),
		});
	}
}
