/**
 * The submissions whose entries are integrated, and that wait for a checkpoint that covers them.
 *
 * What it guards: nobody is answered before a published checkpoint covers the entry, everybody is answered once, and with
 * the entry that stands at its place in the database then. Those who wait longer than they want to give up by themselves
 * (`submit/submit-queue.ts`); their next try, the next start, or another replica finds the entries.
 */
import type { Publication, ReceiptInput, StoredEntry } from '../entry.ts';
import type { LogSink } from '../log-sink.ts';
import { retryAfterSeconds } from '../retry-after.ts';
import { findIdentities, readEntriesAt } from '../store/entries.ts';
import type { Outcome, Submission } from '../submit/submission.ts';
import type { SubmitQueue } from '../submit/submit-queue.ts';
import { TlogError } from '../tlog-error.ts';
import type { TreeSource } from '../tree/hash-reader.ts';
import { admit } from './answers.ts';

/** Between so many answers the event loop gets to the next batch, whose statements must not wait for all of them. */
const ANSWERS_PER_TURN = 16;

interface PendingSubmission {
	readonly submission: Submission;
	readonly index: number;
	readonly duplicate: boolean;
	/** The entry as this process stored it; absent for what was there before. */
	readonly entry: ReceiptInput | undefined;
}

export interface PendingOptions {
	readonly source: TreeSource;
	readonly queue: SubmitQueue;
	readonly logger: LogSink;
	/** Whether each published entry has a receipt. */
	readonly hasReceipts: boolean;
}

export class PendingSubmissions {
	readonly #options: PendingOptions;
	#pending: PendingSubmission[] = [];
	readonly #answering = new Set<Promise<void>>();

	constructor(options: PendingOptions) {
		this.#options = options;
	}

	get count(): number {
		return this.#pending.length;
	}

	/** Takes what a committed batch made of its submissions; those that it refused have been told. */
	add(outcomes: ReadonlyMap<Submission, Outcome>): void {
		for (const [submission, outcome] of outcomes) {
			if (outcome.kind === 'refused') continue;
			const entry = outcome.kind === 'new' ? outcome.entry : undefined;
			const index = outcome.kind === 'new' ? outcome.entry.index : outcome.index;
			const duplicate = outcome.kind === 'stored' && outcome.isRepeat;
			this.#pending.push({ submission, index, duplicate, entry });
		}
	}

	/** The database has turned out to have another history than the one in which the entries were stored. */
	forgetEntries(): void {
		this.#pending = this.#pending.map((pending) => ({ ...pending, entry: undefined }));
	}

	/** Answers everyone whose entry the checkpoint covers. `receipts` are those that are known without a read, by index. */
	release(publication: Publication, receipts: ReadonlyMap<number, Uint8Array>): void {
		const covered = this.#pending.filter((pending) => pending.index < publication.size);
		if (covered.length === 0) return;
		this.#pending = this.#pending.filter((pending) => pending.index >= publication.size);
		const { queue, logger } = this.#options;
		const answering = this.#answer(covered, publication, receipts).catch((error: unknown) => {
			logger.error({ err: error }, 'answers could not be made');
			const refusal =
				error instanceof TlogError
					? error
					: new TlogError('unavailable', 'the entry is stored, its proof could not be read', {
							retryAfterSeconds: retryAfterSeconds(),
							cause: error,
						});
			for (const { submission } of covered) queue.refuse(submission, refusal);
		});
		this.#answering.add(answering);
		void answering.finally(() => this.#answering.delete(answering));
	}

	/**
	 * After a publication that failed: a log that may not grow says so at once; everyone else waits for the next attempt,
	 * and those for whom nobody waits any more are dropped.
	 */
	dropAbandoned(failure: unknown): void {
		const { queue } = this.#options;
		const refuseAll = failure instanceof TlogError && failure.code === 'read-only';
		this.#pending = this.#pending.filter(({ submission }) => {
			if (refuseAll) queue.refuse(submission, failure);
			queue.forget(submission);
			return submission.waiters.size > 0;
		});
	}

	/** Resolves when the answers that are under way have ended. */
	async close(): Promise<void> {
		await Promise.all(this.#answering);
	}

	async #answer(
		covered: readonly PendingSubmission[],
		publication: Publication,
		receipts: ReadonlyMap<number, Uint8Array>,
	): Promise<void> {
		const { source, queue, hasReceipts } = this.#options;
		const { sql, tables } = source;
		const complete = ({ entry, index }: PendingSubmission): StoredEntry | undefined => {
			const receipt = receipts.get(index) ?? null;
			return entry && (receipt || !hasReceipts) ? { ...entry, receipt } : undefined;
		};
		// Repeats, and entries that another replica published, have their receipts in the database only.
		const toRead = covered.filter((pending) => !complete(pending));
		const stored = await readEntriesAt(
			sql,
			tables,
			toRead.map(({ index }) => index),
		);
		// The database may have changed under us, and given the place of an entry that was not published to another one.
		const places = await findIdentities(
			sql,
			tables,
			toRead.map(({ submission }) => submission.entry.identity),
		);
		const lost = new Set(toRead.filter(({ index }, i) => places.get(i) !== index));
		for (const [i, pending] of covered.entries()) {
			if (i % ANSWERS_PER_TURN === 0) await nextTurn();
			if (lost.has(pending)) {
				const detail = 'the database has changed, and the entry is not where it was stored: submit it again';
				queue.refuse(
					pending.submission,
					new TlogError('unavailable', detail, { retryAfterSeconds: retryAfterSeconds() }),
				);
				continue;
			}
			const entry = complete(pending) ?? stored.get(pending.index);
			if (!entry) throw new TlogError('read-only', `the stored tree is damaged: entry ${pending.index} is missing`);
			const admitted = await admit(source, entry, publication, pending.duplicate);
			queue.answer(pending.submission, admitted);
		}
	}
}

function nextTurn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}
