/**
 * Failures of the surroundings that pass by themselves or when an operator has made room: the database is away or full,
 * the disk is full or read-only, the process has no descriptor left. Whatever request meets one may come back later.
 */
import { CommitUnknownError, isRetryable, isTimeout, isUnavailable } from '@chancery/postgres/pg-errors';
import { DomainError } from './domain-error.ts';

/** The system's codes for a resource that is used up or out of order, not for a wrong name or a missing right. */
const EXHAUSTED = new Set(['EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENOSPC', 'EROFS']);
const MAX_CAUSES = 4;

/** The refusal for a failure that passes; every other error as it is. */
export function asPassingFailure(error: unknown): unknown {
	if (isUnavailable(error) || isTimeout(error) || isRetryable(error))
		return new DomainError('unavailable', 'the database does not answer in time', { cause: error });
	// What was stored all the same is found when the request is repeated, as after an answer that got lost on the way.
	if (error instanceof CommitUnknownError)
		return new DomainError('unavailable', 'the database did not say whether this was stored', { cause: error });
	if (!(error instanceof DomainError) && isExhausted(error, 0))
		return new DomainError('unavailable', 'the service has no room for this now', { cause: error });
	return error;
}

function isExhausted(error: unknown, depth: number): boolean {
	if (!(error instanceof Error) || depth > MAX_CAUSES) return false;
	const { code } = error as NodeJS.ErrnoException;
	return (code !== undefined && EXHAUSTED.has(code)) || isExhausted(error.cause, depth + 1);
}
