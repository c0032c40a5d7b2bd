/**
 * The publisher's loop, and the room where submissions wait for a checkpoint that covers them.
 *
 * A publication that fails is tried again with growing pauses, for as long as the process lives: the entries are in the
 * database already, and a signer that is away must not lose them. Those who wait give up after their own time; their
 * next try, the next start, or another replica finds the entries.
 */

import type { Publication, ReceiptInput, StoredEntry } from '../entry.ts';
import type { LogSink } from '../log-sink.ts';
import { retryAfterSeconds } from '../retry-after.ts';
import type { BatchResult } from '../sequence/batch.ts';
import { findIdentities, readEntriesAt } from '../store/entries.ts';
import type { LogState } from '../store/publications.ts';
import type { Submission } from '../submit/submission.ts';
import type { SubmitQueue } from '../submit/submit-queue.ts';
import { TlogError } from '../tlog-error.ts';
import { admit } from './answers.ts';
import { comparedState, type PublishContext, publish, requireState, trustPublication } from './publish.ts';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5_000;

/** How long a look at the database waits for a standby to have what another process published. */
const TRUST_PATIENCE_MS = 1_000;

/** Between so many answers the event loop gets to the next batch, whose statements must not wait for all of them. */
const ANSWERS_PER_TURN = 16;

interface Waiting {
	readonly submission: Submission;
	readonly index: number;
	readonly duplicate: boolean;
	/** The entry as this process stored it; absent for what was there before. */
	readonly entry: ReceiptInput | undefined;
}

export class Publisher {
	readonly #context: PublishContext;
	readonly #queue: SubmitQueue;
	readonly #logger: LogSink;
	readonly #recent = new Map<number, ReceiptInput>();
	#recentBytes = 0;
	#waiting: Waiting[] = [];
	#current: Publication | undefined;
	/** When `#current` was last compared with the database, on the monotonic clock. */
	#checkedAtMs = Number.NEGATIVE_INFINITY;
	#integratedSize = 0;
	#wanted = false;
	#heartbeatWanted = false;
	#running: Promise<void> | undefined;
	readonly #releasing = new Set<Promise<void>>();
	#failure: unknown;
	#lookFailure: unknown;
	#looking: Promise<void> | undefined;
	#trusting: Promise<void> | undefined;
	#wakePause: (() => void) | undefined;
	#closed = false;

	constructor(options: {
		context: Omit<PublishContext, 'recent' | 'forgetRecent'>;
		queue: SubmitQueue;
		logger: LogSink;
	}) {
		this.#context = { ...options.context, recent: this.#recent, forgetRecent: () => this.#forgetRecent() };
		this.#queue = options.queue;
		this.#logger = options.logger;
	}

	/** The newest checkpoint that may be shown, as far as this process knows. */
	get current(): Publication | undefined {
		return this.#current;
	}

	/** Integrated entries that this process knows to be unpublished. */
	get unpublished(): number {
		return Math.max(0, this.#integratedSize - (this.#current?.size ?? 0));
	}

	/** Why the last publication, or the last look at the database, failed; undefined after a success. */
	get failure(): unknown {
		return this.#failure ?? this.#lookFailure;
	}

	/** Takes the submissions of a committed batch into the waiting room and asks for a publication. */
	accept(result: BatchResult): void {
		this.#integratedSize = Math.max(this.#integratedSize, result.edge.size);
		for (const [submission, outcome] of result.outcomes) {
			if (outcome.kind === 'refused') continue;
			const entry = outcome.kind === 'new' ? outcome.entry : undefined;
			const index = outcome.kind === 'new' ? outcome.entry.index : outcome.index;
			const duplicate = outcome.kind === 'stored' && outcome.isRepeat;
			if (entry) this.#remember(index, entry);
			this.#waiting.push({ submission, index, duplicate, entry });
		}
		this.#release(new Map());
		if (this.#waiting.length > 0) this.request();
	}

	/** Is it time to sign the head again, whether or not there is anything new? */
	isHeartbeatDue(): boolean {
		const { clock, limits } = this.#context;
		return !this.#current || clock() - this.#current.timestampMs >= limits.heartbeatMs;
	}

	/** Asks for a publication; with `heartbeat` also when there is nothing new. */
	request(heartbeat = false): void {
		this.#wanted = true;
		this.#heartbeatWanted ||= heartbeat;
		this.#wakePause?.();
		this.#running ??= this.#run();
	}

	/**
	 * The first look of a process: shows again what is published, once it was compared with the mark, and publishes what a
	 * crash left integrated. A failure does not keep the log from opening: it is tried again like any other.
	 */
	async start(): Promise<void> {
		try {
			await this.adopt(await requireState(this.#context));
			// After a standstill the head is old: whoever opens the log finds a fresh one.
			if (await this.#publish(this.isHeartbeatDue())) this.request();
		} catch (error) {
			this.#failure = error;
			this.#logger.error({ err: error }, 'the log opens without publishing');
			this.request();
		}
	}

	/**
	 * The newest checkpoint, looked up in the database when the one in memory is older than `maxAgeMs` or smaller than
	 * `minSize`: another replica may have published.
	 */
	async fresh(maxAgeMs: number, minSize = 0): Promise<Publication | undefined> {
		const current = this.#current;
		const age = performance.now() - this.#checkedAtMs;
		if (current && current.size >= minSize && age <= maxAgeMs) return current;
		try {
			// One look serves all who ask meanwhile: readers must not queue up in front of a database that is slow. A look
			// that was under way already may have missed what its asker knows of.
			const joined = this.#looking !== undefined;
			await this.#look();
			if (joined && (this.#current?.size ?? 0) < minSize) await this.#look();
		} catch (error) {
			// What was shown once may be shown again while the database or the mark is away.
			if (!current || current.size < minSize) throw error;
		}
		return this.#current;
	}

	#look(): Promise<void> {
		this.#looking ??= this.#lookNow().finally(() => {
			this.#looking = undefined;
		});
		return this.#looking;
	}

	async #lookNow(): Promise<void> {
		try {
			await this.adopt(await requireState(this.#context));
			this.#lookFailure = undefined;
		} catch (error) {
			this.#lookFailure = error;
			throw error;
		}
	}

	/** Spares the next publication a read. What is too much to remember is read back. */
	#remember(index: number, entry: ReceiptInput): void {
		const bytes = bytesOf(entry);
		if (this.#recentBytes + bytes > this.#context.limits.maxWaitingBytes) return;
		this.#recent.set(index, entry);
		this.#recentBytes += bytes;
	}

	#forgetRecent(): void {
		this.#recent.clear();
		this.#recentBytes = 0;
		this.#waiting = this.#waiting.map((waiting) => ({ ...waiting, entry: undefined }));
	}

	/** Shows what another process published, once the mark stands at it. */
	async adopt(seen: LogState): Promise<void> {
		const current = this.#current;
		this.#integratedSize = Math.max(this.#integratedSize, seen.head.size);
		const isNewer = ({ published }: LogState) =>
			published && (!current || published.size > current.size || published.timestampMs > current.timestampMs);
		// The database may know less than we have shown: then it is not the one we published to.
		if (isNewer(seen) || (current && current.size > (seen.published?.size ?? 0))) {
			const state = await comparedState(this.#context);
			const { published } = state;
			if (published && isNewer(state)) {
				if (this.#context.mark.isOvertaken(published)) {
					// A failover kept the entries and lost their publication: they are published again before anything is shown.
					this.request();
					return;
				}
				if (!(await this.#trust(state, published))) return;
				this.#show(published);
				this.#release(new Map());
			}
		}
		this.#checkedAtMs = performance.now();
	}

	/**
	 * Makes sure of what somebody else published. False when that takes longer than whoever looks should wait: a standby
	 * that is away must not keep readers from what was shown before.
	 */
	async #trust(state: LogState, published: Publication): Promise<boolean> {
		const { promise: late, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, TRUST_PATIENCE_MS);
		let isLate = false;
		void late.then(() => {
			isLate = true;
		});
		try {
			do {
				// One at a time, and those who come meanwhile wait along: each may hold a connection until the standby is back.
				this.#trusting ??= trustPublication(this.#context, state, published).finally(() => {
					this.#trusting = undefined;
				});
				await Promise.race([this.#trusting, late]);
			} while (!isLate && !this.#context.mark.isReached(published));
			return this.#context.mark.isReached(published);
		} finally {
			clearTimeout(timer);
		}
	}

	/** Stops asking; resolves when the publication in flight and the answers have ended. */
	async close(): Promise<void> {
		this.#closed = true;
		this.#wakePause?.();
		await this.#running;
		// It ends as any statement does, by the timeouts of its connection; the mark is closed after it.
		await this.#trusting?.catch(ignoreFailure);
		await Promise.all(this.#releasing);
	}

	async #run(): Promise<void> {
		let pauseMs = FIRST_PAUSE_MS;
		while (this.#wanted && !this.#closed) {
			const heartbeat = this.#heartbeatWanted;
			this.#wanted = false;
			this.#heartbeatWanted = false;
			try {
				const isBehind = await this.#publish(heartbeat);
				pauseMs = FIRST_PAUSE_MS;
				if (isBehind || this.#waiting.length > 0) this.#wanted = true;
			} catch (error) {
				this.#failure = error;
				this.#wanted = true;
				this.#logger.warn(
					{ err: error, waiting: this.#waiting.length, pauseMs },
					'publication failed and is tried again',
				);
				this.#dropDeparted(error);
				await this.#pause(pauseMs);
				pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
			}
		}
		this.#running = undefined;
	}

	/** Returns whether there is more to publish already. */
	async #publish(heartbeat: boolean): Promise<boolean> {
		const { publication, receipts, isBehind } = await publish(this.#context, heartbeat);
		this.#failure = undefined;
		this.#lookFailure = undefined;
		this.#show(publication);
		this.#release(receipts);
		return isBehind;
	}

	#show(publication: Publication): void {
		const current = this.#current;
		this.#checkedAtMs = performance.now();
		this.#integratedSize = Math.max(this.#integratedSize, publication.size);
		// Two of our own lookups may finish in either order; what was shown never goes back.
		if (current && (publication.size < current.size || publication.timestampMs < current.timestampMs)) return;
		this.#current = publication;
		for (const [index, entry] of this.#recent) {
			if (index >= publication.size) break;
			this.#recent.delete(index);
			this.#recentBytes -= bytesOf(entry);
		}
	}

	/** Answers everyone whose entry the current checkpoint covers. */
	#release(receipts: ReadonlyMap<number, Uint8Array>): void {
		const publication = this.#current;
		if (!publication) return;
		const covered = this.#waiting.filter((waiting) => waiting.index < publication.size);
		if (covered.length === 0) return;
		this.#waiting = this.#waiting.filter((waiting) => waiting.index >= publication.size);
		const answering = this.#answer(covered, publication, receipts).catch((error: unknown) => {
			this.#logger.error({ err: error }, 'answers could not be made');
			const refusal =
				error instanceof TlogError
					? error
					: new TlogError('unavailable', 'the entry is stored, its proof could not be read', {
							retryAfterSeconds: retryAfterSeconds(),
							cause: error,
						});
			for (const { submission } of covered) this.#queue.refuse(submission, refusal);
		});
		this.#releasing.add(answering);
		void answering.finally(() => this.#releasing.delete(answering));
	}

	async #answer(
		covered: readonly Waiting[],
		publication: Publication,
		receipts: ReadonlyMap<number, Uint8Array>,
	): Promise<void> {
		const { database: sql, tables, cache, signReceipt } = this.#context;
		const complete = ({ entry, index }: Waiting): StoredEntry | undefined => {
			const receipt = receipts.get(index) ?? null;
			return entry && (receipt || !signReceipt) ? { ...entry, receipt } : undefined;
		};
		// Repeats, and entries that another replica published, have their receipts in the database only.
		const toRead = covered.filter((waiting) => !complete(waiting));
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
		for (const [i, waiting] of covered.entries()) {
			if (i % ANSWERS_PER_TURN === 0) await nextTurn();
			if (lost.has(waiting)) {
				const detail = 'the database has changed, and the entry is not where it was stored: submit it again';
				this.#queue.refuse(
					waiting.submission,
					new TlogError('unavailable', detail, { retryAfterSeconds: retryAfterSeconds() }),
				);
				continue;
			}
			const entry = complete(waiting) ?? stored.get(waiting.index);
			if (!entry) throw new TlogError('read-only', `the stored tree is damaged: entry ${waiting.index} is missing`);
			const admitted = await admit({ sql, tables, cache }, entry, publication, waiting.duplicate);
			this.#queue.answer(waiting.submission, admitted);
		}
	}

	/** A log that may not grow says so at once; everyone else waits for the next attempt, until their time is up. */
	#dropDeparted(error: unknown): void {
		const refuseAll = error instanceof TlogError && error.code === 'read-only';
		this.#waiting = this.#waiting.filter(({ submission }) => {
			if (refuseAll) this.#queue.refuse(submission, error);
			this.#queue.forget(submission);
			return submission.waiters.size > 0;
		});
	}

	async #pause(pauseMs: number): Promise<void> {
		if (this.#closed) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, pauseMs);
		// Closing ends the pause; a new submission does not, or a hot client would set the pace of a failing signer.
		this.#wakePause = () => {
			if (this.#closed) resolve();
		};
		await promise;
		clearTimeout(timer);
		this.#wakePause = undefined;
	}
}

function nextTurn(): Promise<void> {
	return new Promise((resolve) => setImmediate(resolve));
}

/** Whoever waited for it has been told. */
function ignoreFailure(): void {}

function bytesOf({ leaf, extra }: ReceiptInput): number {
	return leaf.length + (extra?.length ?? 0);
}
