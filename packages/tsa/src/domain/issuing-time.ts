/**
 * The time that goes into tokens: whole seconds of UTC that never go back.
 *
 * Fractions are legal in genTime but some clients drop them, so that a token could seem to lie outside the certificate it
 * belongs to; seconds are cut off, never rounded up, so that a token is never dated into the future.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';

export interface IssuingTime {
	/**
	 * The genTime of the next token, in unix milliseconds, a multiple of 1000.
	 * @throws DomainError `clock-behind` when the clock was set back by more than the accuracy that tokens promise.
	 */
	next(): number;
	/** Seconds by which the clock is behind the last token issued; 0 when it is not. */
	secondsBehind(): number;
}

/**
 * A step back of the clock within `accuracySeconds` repeats the last time, which is still true within the accuracy.
 * A larger one is refused until the clock has caught up: a token that contradicts an earlier one would be worse than none.
 */
export function createIssuingTime(clock: Clock, accuracySeconds: number): IssuingTime {
	let lastSeconds = Number.NEGATIVE_INFINITY;
	const clockSeconds = () => Math.floor(clock() / 1000);
	return {
		next() {
			const now = clockSeconds();
			if (now < lastSeconds - accuracySeconds)
				throw new DomainError(
					'clock-behind',
					`the clock is ${lastSeconds - now} s behind the last token issued; tokens promise ${accuracySeconds} s`,
					{ retryAfterSeconds: Math.min(lastSeconds - now, 60) },
				);
			lastSeconds = Math.max(lastSeconds, now);
			return lastSeconds * 1000;
		},
		secondsBehind: () => Math.max(0, lastSeconds - clockSeconds()),
	};
}
