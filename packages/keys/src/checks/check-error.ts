/**
 * Why a signature was not checked. Says nothing about the signature: whoever asked may ask again.
 */
import { ChanceryError } from '@chancery/core/chancery-error';

/**
 * - `overloaded`: too much work is waiting; nothing of the check was kept.
 * - `unavailable`: the check was taken and not carried out (its thread was lost, or the queue was closed).
 */
export type CheckErrorCode = 'overloaded' | 'unavailable';

export class CheckError extends ChanceryError<CheckErrorCode> {
	/** Fit for a client to read. */
	readonly detail: string;
	/** When a repeat makes sense. */
	readonly retryAfterSeconds: number;

	constructor(code: CheckErrorCode, detail: string, retryAfterSeconds: number) {
		super(code, `${code}: ${detail}`);
		this.detail = detail;
		this.retryAfterSeconds = retryAfterSeconds;
	}
}
