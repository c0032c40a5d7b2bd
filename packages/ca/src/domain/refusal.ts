/**
 * The errors this service raises: a code of its own table, Fulcio's sentence first, then what was expected and found.
 */
import { DomainError, type DomainErrorOptions } from '@chancery/chassis/domain-error';
import { ERRORS, type ErrorCode } from '../errors.ts';

/** Text of a requester goes into an answer at most this long, and printable. */
const MAX_QUOTED_CHARS = 200;

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

/** A value out of a request, fit to be shown: one line, bounded, in quotes. */
export function quote(value: unknown): string {
	const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
	const line = text.replace(/[^\x20-\x7e]+/g, '?');
	return `'${line.length > MAX_QUOTED_CHARS ? `${line.slice(0, MAX_QUOTED_CHARS)}...` : line}'`;
}
