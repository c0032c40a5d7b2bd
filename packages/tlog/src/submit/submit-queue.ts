/**
 * Submissions on their way in: who waits for what, and how many may.
 *
 * One identity is in here at most once. A second submission of it becomes a second waiter of the first, so a repeat can
 * never slip between the probe of the database and the commit of its first.
 */
import { toHex } from '@chancery/core/bytes';
import { type EngineMetrics, NO_METRICS } from '../engine-metrics.ts';
import type { Admitted, NewEntry } from '../entry.ts';
import type { LogLimits } from '../limits.ts';
import { retryAfterSeconds } from '../retry-after.ts';
import { TlogError } from '../tlog-error.ts';
import type { Submission, Waiter } from './submission.ts';

/** Charged for an entry that does not say how large it is. */
const USUAL_ENTRY_BYTES = 2_048;

export class SubmitQueue {
	readonly #limits: LogLimits;
	readonly #metrics: EngineMetrics;
	/** Everything unanswered, queued or in flight, by identity. */
	readonly #open = new Map<string, Submission>();
	/** What no batch has taken yet, oldest first. */
	readonly #queued = new Set<Submission>();
	#waiting = 0;
	#bytes = 0;
	#stall: TlogError | undefined;

	constructor(limits: LogLimits, metrics: EngineMetrics = NO_METRICS) {
		this.#limits = limits;
		this.#metrics = metrics;
	}

	/** Submissions without an answer, repeats included. */
	get waiting(): number {
		return this.#waiting;
	}

	get queued(): number {
		return this.#queued.size;
	}

	/** Set once somebody has waited in vain, until somebody is answered or the log is found to work (`endStall`). */
	get stall(): TlogError | undefined {
		return this.#stall;
	}

	endStall(): void {
		this.#stall = undefined;
	}

	/**
	 * Queues an entry; settles when it is answered, refused, or has waited too long.
	 * @throws {TlogError} `overloaded` when too much waits, `entry-refused` for an identity that is not 32 bytes.
	 */
	add(entry: NewEntry): Promise<Admitted> {
		if (entry.identity.length !== 32)
			throw new TlogError('entry-refused', `an identity has 32 bytes, this one has ${entry.identity.length}`);
		const key = toHex(entry.identity);
		const known = this.#open.get(key);
		const byteLength = known ? 0 : (entry.byteLength ?? USUAL_ENTRY_BYTES);
		const { maxWaiting, maxWaitingBytes } = this.#limits;
		// A repeat costs a waiter too: a client hammering one entry is bounded like all others.
		if (this.#waiting >= maxWaiting)
			throw this.#overloaded(`${this.#waiting} submissions are waiting, ${maxWaiting} is the limit`);
		if (this.#bytes + byteLength > maxWaitingBytes)
			throw this.#overloaded(`${this.#bytes} bytes are waiting, ${maxWaitingBytes} is the limit`);
		const submission = known ?? { key, entry, byteLength, waiters: new Set(), attemptedIndex: undefined };
		if (!known) {
			this.#open.set(key, submission);
			this.#queued.add(submission);
			this.#bytes += byteLength;
		}
		return this.#wait(submission, known !== undefined);
	}

	/** The oldest queued submissions, for one batch. */
	take(max: number): Submission[] {
		const taken = [...this.#queued.values().take(max)];
		for (const submission of taken) this.#queued.delete(submission);
		return taken;
	}

	/** Puts back what a batch had no room for, in front. */
	putBack(submissions: readonly Submission[]): void {
		if (submissions.length === 0) return;
		const later = [...this.#queued];
		this.#queued.clear();
		for (const submission of [...submissions, ...later]) this.#queued.add(submission);
	}

	/** Answers everyone who waits for this entry; all but the first asked for a repeat. */
	answer(submission: Submission, admitted: Admitted): void {
		this.endStall();
		for (const waiter of submission.waiters) {
			this.#leave(submission, waiter);
			const isDuplicate = waiter.duplicate || admitted.duplicate;
			if (isDuplicate) this.#metrics.count('chancery_log_duplicates_total');
			waiter.resolve(isDuplicate ? { ...admitted, duplicate: true } : admitted);
		}
		this.#close(submission);
	}

	refuse(submission: Submission, error: TlogError): void {
		for (const waiter of submission.waiters) {
			this.#leave(submission, waiter);
			waiter.reject(error);
		}
		this.#close(submission);
	}

	/** Drops a submission that nobody waits for any more. */
	forget(submission: Submission): void {
		if (submission.waiters.size === 0) this.#close(submission);
	}

	refuseAll(error: TlogError): void {
		this.#queued.clear();
		for (const submission of this.#open.values()) this.refuse(submission, error);
	}

	#wait(submission: Submission, duplicate: boolean): Promise<Admitted> {
		const { promise, resolve, reject } = Promise.withResolvers<Admitted>();
		const { submitTimeoutMs } = this.#limits;
		const timer = setTimeout(() => {
			this.#leave(submission, waiter);
			// Nobody waits and no batch has it: while the database is away, the queue must not fill with the departed.
			if (submission.waiters.size === 0 && this.#queued.delete(submission)) this.#close(submission);
			const detail = `no answer within ${submitTimeoutMs} ms; submitting again finds the entry if it was stored`;
			this.#stall = new TlogError('unavailable', detail, { retryAfterSeconds: retryAfterSeconds() });
			reject(this.#stall);
		}, submitTimeoutMs);
		const waiter: Waiter = { duplicate, resolve, reject, timer };
		submission.waiters.add(waiter);
		this.#waiting += 1;
		return promise;
	}

	#leave(submission: Submission, waiter: Waiter): void {
		if (!submission.waiters.delete(waiter)) return;
		clearTimeout(waiter.timer);
		this.#waiting -= 1;
	}

	/** From here on the same identity is a new submission, which the database recognises. */
	#close(submission: Submission): void {
		if (this.#open.get(submission.key) !== submission) return;
		this.#open.delete(submission.key);
		this.#bytes -= submission.byteLength;
	}

	#overloaded(detail: string): TlogError {
		this.#metrics.count('chancery_log_overloads_total');
		return new TlogError('overloaded', detail, { retryAfterSeconds: retryAfterSeconds() });
	}
}
