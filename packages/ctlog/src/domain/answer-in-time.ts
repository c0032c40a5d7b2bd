/**
 * How long a submission may take. A certificate authority gives a log ten seconds for an SCT, and its own client waits
 * meanwhile: a log that is late must say so while there is time for another attempt, or a passing overload looks like a
 * log that is gone.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { within } from '@chancery/chassis/http/within';

/** From the request to the answer: half of what an authority waits, so that a second attempt fits in. */
export const ANSWER_WITHIN_MS = 5_000;
/** Of that, the engine's part: commit, signature and publication. It names its reason better than we could. */
export const ENGINE_WITHIN_MS = 4_000;

/**
 * The result of `work`, unless it is late. Late work goes on, and what it stores is found by the next attempt.
 * @throws {DomainError} `log-unavailable`; whatever `work` throws in time
 */
export function answerInTime<T>(work: Promise<T>, withinMs: number): Promise<T> {
	return within(withinMs, work, () => {
		const detail = `the log did not finish within ${withinMs} ms; the same submission, sent again, finds what was done`;
		return new DomainError('log-unavailable', detail, { retryAfterSeconds: 1 });
	});
}
