/**
 * The errors this service raises: a code of its own table, Fulcio's sentence first, then what was expected and found.
 */
import { DomainError, type DomainErrorOptions } from '@chancery/chassis/domain-error';
import { ERRORS, type ErrorCode } from '../errors.ts';

/**
 * A refusal of a request, or a failure of ours. `hint` goes to the client: it may hold values of the client's own
 * request (quoted), never a token, an address of ours or a library's message.
 */
export function refuse(
	code: ErrorCode,
	hint?: string,
	options?: Pick<DomainErrorOptions, 'cause' | 'retryAfterSeconds'>,
): DomainError {
	const sentence = ERRORS[code].title;
	return new DomainError(code, hint === undefined ? sentence : `${sentence}: ${hint}`, options);
}
