/**
 * An end to waiting for what lies outside of this process and may never answer: signers, and the place of the mark.
 */
import { MarkError, type MarkStore } from '@chancery/postgres/mark/mark';
import type { EngineMetrics } from '../engine-metrics.ts';
import { TlogError } from '../tlog-error.ts';

const RETRY_AFTER_SECONDS = 5;

/** What the signer returns, if it does so in time. A late signature is thrown away. @throws {TlogError} `unavailable`. */
export function signedWithin<T>(timeoutMs: number, sign: () => Promise<T>): Promise<T> {
	const late = () =>
		new TlogError('unavailable', `the signer did not answer within ${timeoutMs} ms`, {
			retryAfterSeconds: RETRY_AFTER_SECONDS,
		});
	return within(timeoutMs, sign, late);
}

/**
 * The same store, of which a question that is not answered in time has failed (MarkError). Failures are counted, and what
 * the place holds is shown.
 */
export function markWithDeadline(store: MarkStore, timeoutMs: number, metrics: EngineMetrics): MarkStore {
	const late = () => new MarkError(`the place of the mark did not answer within ${timeoutMs} ms`);
	const ask = async <T>(question: () => Promise<T>): Promise<T> => {
		try {
			return await within(timeoutMs, question, late);
		} catch (error) {
			metrics.count('chancery_log_mark_failures_total');
			throw error;
		}
	};
	const holder = store.holder?.bind(store);
	return {
		read: async () => {
			const mark = await ask(() => store.read());
			if (mark) metrics.gauge('chancery_log_mark_entries', mark.size);
			return mark;
		},
		advance: async (mark) => {
			await ask(() => store.advance(mark));
			metrics.gauge('chancery_log_mark_entries', mark.size);
			metrics.gauge('chancery_log_mark_write_timestamp_seconds', Date.now() / 1000);
		},
		...(holder ? { holder: () => ask(holder) } : {}),
	};
}

async function within<T>(timeoutMs: number, ask: () => Promise<T>, late: () => Error): Promise<T> {
	const { promise, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(() => reject(late()), timeoutMs);
	try {
		return await Promise.race([ask(), promise]);
	} finally {
		clearTimeout(timer);
	}
}
