/**
 * The one error type of the log engine. Services map its codes to statuses in their own `errors.ts`.
 */
import { ChanceryError } from '@chancery/core/chancery-error';

/**
 * - `overloaded`: too much is waiting; come back after `retryAfterSeconds`. Nothing of the submission was kept.
 * - `unavailable`: the database, the signer or the mark did not do its part in time. The entry may be in the log all the
 *   same: submitting it again finds it.
 * - `read-only`: the log refuses to grow (mark, unsafe settings of the server) and says why.
 * - `entry-refused`: this entry cannot be stored; the same entry will never be.
 * - `clock-skew`: this process and the database disagree about the time by more than a second; nothing was stored.
 * - `clock-lead`: the log's last time is ahead of this machine's clock by more than a second.
 * - `identity-mismatch`: configuration and stored log are two different logs.
 * - `out-of-range`: an index, size or tile beyond what is published.
 */
export type TlogErrorCode =
	| 'overloaded'
	| 'read-only'
	| 'entry-refused'
	| 'clock-skew'
	| 'clock-lead'
	| 'unavailable'
	| 'identity-mismatch'
	| 'out-of-range';

export class TlogError extends ChanceryError<TlogErrorCode> {
	/** What was expected and what was found, fit for a client to read. */
	readonly detail: string;
	readonly retryAfterSeconds: number | undefined;

	constructor(code: TlogErrorCode, detail: string, options: { retryAfterSeconds?: number; cause?: unknown } = {}) {
		super(code, `${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause });
		this.detail = detail;
		this.retryAfterSeconds = options.retryAfterSeconds;
	}
}
