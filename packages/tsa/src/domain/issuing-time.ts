/**
 * The time that goes into tokens: whole seconds of UTC that never go back.
 *
 * Fractions are legal in genTime but some clients drop them, so that a token could seem to lie outside the certificate it
 * belongs to; seconds are cut off, never rounded up. A second is given out only after it was set aside
 * (time-reserve.ts): the first token of a second waits for that when the second before had none, all others for nothing.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import type { TimeReserve } from './time-reserve.ts';

export interface IssuingTime {
	/**
	 * The genTime of the next token, in unix milliseconds, a multiple of 1000. A promise only when it has to wait.
	 * @throws DomainError `clock-behind` when the clock is behind what was issued by more than the accuracy that tokens
	 * promise; `clock-apart`, `time-not-kept`
	 */
	next(): number | Promise<number>;
	/** Seconds by which the clock is behind the last token issued; 0 when it is not. */
	secondsBehind(): number;
	/** Why the last second could not be set aside; undefined when it could. */
	readonly problem: string | undefined;
}

export interface IssuingTimeOptions {
	readonly clock: Clock;
	/** What tokens promise. */
	readonly accuracySeconds: number;
	readonly reserve: TimeReserve;
	/** Throws when no token may carry this time: a clock that runs years ahead must not use up those years. */
	readonly requireValid: (timeMs: number) => void;
}

/**
 * A step back of the clock within `accuracySeconds` repeats the last time, which is still true within the accuracy.
 * A larger one is refused until the clock has caught up: a token that contradicts an earlier one would be worse than none.
 * @throws MarkInUseError while another process has the mark
 */
export async function openIssuingTime({
	clock,
	accuracySeconds,
	reserve,
	requireValid,
}: IssuingTimeOptions): Promise<IssuingTime> {
	// After a crash nobody knows whether the last second was given out: begin with it, and not before.
	let lastSecond = (await reserve.begin()) ?? Number.NEGATIVE_INFINITY;
	let reservedSecond = Number.NEGATIVE_INFINITY;
	let problem: string | undefined;
	const clockSecond = () => Math.floor(clock() / 1000);

	const wanted = () => {
		const now = clockSecond();
		if (now < lastSecond - accuracySeconds)
			throw new DomainError(
				'clock-behind',
				`the clock is ${lastSecond - now} s behind the last token issued; tokens promise ${accuracySeconds} s`,
				{ retryAfterSeconds: Math.min(lastSecond - now, 60) },
			);
		return Math.max(lastSecond, now);
	};

	let extending: Promise<void> | undefined;
	const extendTo = (second: number): Promise<void> => {
		extending ??= reserve
			.extendTo(second)
			.then(
				(givenByOthers) => {
					problem = undefined;
					reservedSecond = second;
					lastSecond = Math.max(lastSecond, givenByOthers);
				},
				(error: unknown) => {
					problem = error instanceof DomainError ? error.detail : String(error);
					throw error;
				},
			)
			.finally(() => {
				extending = undefined;
			});
		return extending;
	};

	const give = (second: number): number => {
		lastSecond = second;
		// The next second, ahead of its first token. If that fails, the first token tries again and says so.
		if (second === reservedSecond) extendTo(second + 1).catch(() => undefined);
		return second * 1000;
	};

	const wait = async (): Promise<number> => {
		for (;;) {
			const second = wanted();
			if (second <= reservedSecond) return give(second);
			requireValid(second * 1000);
			await extendTo(second);
		}
	};

	return {
		next() {
			const second = wanted();
			return second <= reservedSecond ? give(second) : wait();
		},
		secondsBehind: () => Math.max(0, lastSecond - clockSecond()),
		get problem() {
			return problem;
		},
	};
}
