/**
 * The time that goes into tokens: whole seconds of UTC that never go back.
 *
 * Fractions are allowed in genTime, but some clients drop them, and then a token could seem to be outside the validity of its
 * certificate. So seconds are rounded down, never up. A second is used only after it was reserved (time-reserve.ts). The first
 * token of a second waits for that if the second before had no token; other tokens do not wait.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import type { TimeReserve } from './time-reserve.ts';

export interface IssuingTime {
	/**
	 * Returns the genTime of the next token, in unix milliseconds, a multiple of 1000. A promise only when it must wait.
	 * @throws {DomainError} `clock-behind` when the clock is behind issued tokens by more than the accuracy that they promise;
	 * `clock-apart`, `time-not-kept`
	 */
	next(): number | Promise<number>;
	/** Seconds by which the clock is behind the last token issued; 0 when it is not. */
	secondsBehind(): number;
	/** Why the last second could not be reserved; undefined when it could. */
	readonly problem: string | undefined;
}

/** How long a second that was reserved may be used without another look at the mark: others go on meanwhile. */
const RESERVED_FOR_MS = 3_000;

export interface IssuingTimeOptions {
	readonly clock: Clock;
	/** Milliseconds that pass whatever the clock does. */
	readonly monotonicMs?: () => number;
	/** What tokens promise. */
	readonly accuracySeconds: number;
	readonly reserve: TimeReserve;
	/** Throws when no token may have this time: a clock that runs years ahead must not use up those years. */
	readonly requireValid: (timeMs: number) => void;
}

/**
 * When the clock goes back by at most `accuracySeconds`, the last time is repeated, which is true within the accuracy. When it goes
 * back further, requests are refused until it has caught up: a token that contradicts an earlier one is worse than none.
 * @throws {MarkInUseError} while another host has the mark, {MarkPlaceError} when its place can keep none
 */
export async function openIssuingTime({
	clock,
	monotonicMs = () => performance.now(),
	accuracySeconds,
	reserve,
	requireValid,
}: IssuingTimeOptions): Promise<IssuingTime> {
	// After a crash it is unknown whether the last second was used: start with it, and not before it.
	let lastSecond = (await reserve.begin()) ?? Number.NEGATIVE_INFINITY;
	let reservedSecond = Number.NEGATIVE_INFINITY;
	let reservedAtMs = Number.NEGATIVE_INFINITY;
	/** Not by a process that was stopped since, or idle: should the clock have gone back, others may be ahead. */
	const isReserved = (second: number) => second <= reservedSecond && monotonicMs() - reservedAtMs <= RESERVED_FOR_MS;
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
					reservedAtMs = monotonicMs();
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
		// Reserves the next second before its first token. If that fails, the first token tries again and reports it.
		if (second === reservedSecond) extendTo(second + 1).catch(() => undefined);
		return second * 1000;
	};

	const wait = async (): Promise<number> => {
		for (;;) {
			const second = wanted();
			if (isReserved(second)) return give(second);
			requireValid(second * 1000);
			await extendTo(second);
		}
	};

	return {
		next() {
			const second = wanted();
			return isReserved(second) ? give(second) : wait();
		},
		secondsBehind: () => Math.max(0, lastSecond - clockSecond()),
		get problem() {
			return problem;
		},
	};
}
