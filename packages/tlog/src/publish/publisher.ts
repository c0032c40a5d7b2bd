/**
 * The publisher's loop: it publishes when somebody asks for it, one publication at a time.
 *
 * What it guards: a publication that fails is tried again with growing pauses, for as long as the process lives. The
 * entries are in the database already, and a signer that is away must not lose them. The published head decides what may
 * be shown, and the pending submissions who is answered.
 */
import type { EngineMetrics } from '../engine-metrics.ts';
import type { LogSink } from '../log-sink.ts';
import type { Outcome, Submission } from '../submit/submission.ts';
import type { SubmitQueue } from '../submit/submit-queue.ts';
import { requireState } from './checked-state.ts';
import { PendingSubmissions } from './pending-submissions.ts';
import { type PublishContext, publish } from './publish.ts';
import { PublishedHead } from './published-head.ts';
import { RecentEntries } from './recent-entries.ts';

const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 5_000;

const NO_RECEIPTS: ReadonlyMap<number, Uint8Array> = new Map();

export interface PublisherOptions {
	readonly context: Omit<PublishContext, 'recent' | 'onHistoryChanged'>;
	readonly queue: SubmitQueue;
	readonly logger: LogSink;
	readonly metrics: EngineMetrics;
}

export class Publisher {
	/** What may be shown. */
	readonly head: PublishedHead;
	readonly #pending: PendingSubmissions;
	readonly #recent: RecentEntries;
	readonly #context: PublishContext;
	readonly #logger: LogSink;
	readonly #metrics: EngineMetrics;
	#wanted = false;
	#heartbeatWanted = false;
	#running: Promise<void> | undefined;
	#failure: unknown;
	#endPause: (() => void) | undefined;
	#closed = false;

	constructor({ context, queue, logger, metrics }: PublisherOptions) {
		const { database: sql, tables, cache, signReceipt, limits } = context;
		this.#logger = logger;
		this.#metrics = metrics;
		this.#recent = new RecentEntries(limits.maxWaitingBytes);
		this.#pending = new PendingSubmissions({
			source: { sql, tables, cache },
			queue,
			logger,
			hasReceipts: signReceipt !== undefined,
		});
		this.head = new PublishedHead({
			context,
			onAdopted: () => this.#release(NO_RECEIPTS),
			onPublicationLost: () => this.request(),
		});
		this.#context = {
			...context,
			recent: this.#recent,
			onHistoryChanged: () => {
				this.#recent.clear();
				this.#pending.forgetEntries();
			},
		};
	}

	/** Why the last publication, or the last look at the database, failed; undefined after a success. */
	get failure(): unknown {
		return this.#failure ?? this.head.lookFailure;
	}

	/** Takes the submissions of a committed batch, after which the tree has `size` entries, and asks for a publication. */
	accept(size: number, outcomes: ReadonlyMap<Submission, Outcome>): void {
		this.head.noteIntegrated(size);
		for (const outcome of outcomes.values()) if (outcome.kind === 'new') this.#recent.add(outcome.entry);
		this.#pending.add(outcomes);
		this.#release(NO_RECEIPTS);
		if (this.#pending.count > 0) this.request();
	}

	/** Is it time to sign the head again, whether or not there is anything new? */
	isHeartbeatDue(): boolean {
		const { clock, limits } = this.#context;
		const { current } = this.head;
		return !current || clock() - current.timestampMs >= limits.heartbeatMs;
	}

	/** Asks for a publication; with `heartbeat` also when there is nothing new. */
	request(heartbeat = false): void {
		this.#wanted = true;
		this.#heartbeatWanted ||= heartbeat;
		this.#running ??= this.#run();
	}

	/**
	 * The first look of a process: shows again what is published, once it was compared with the mark, and publishes what a
	 * crash left integrated. A failure does not keep the log from opening: it is tried again like any other.
	 */
	async start(): Promise<void> {
		try {
			await this.head.adopt(await requireState(this.#context));
			// After a standstill the head is old: whoever opens the log finds a fresh one.
			if (await this.#publish(this.isHeartbeatDue())) this.request();
		} catch (error) {
			this.#fail(error);
			this.#logger.error({ err: error }, 'the log opens without publishing');
			this.request();
		}
	}

	/** Stops asking; resolves when the publication in flight and the answers have ended. */
	async close(): Promise<void> {
		this.#closed = true;
		this.#endPause?.();
		await this.#running;
		await this.head.close();
		await this.#pending.close();
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
				if (isBehind || this.#pending.count > 0) this.#wanted = true;
			} catch (error) {
				this.#fail(error);
				this.#wanted = true;
				this.#logger.warn(
					{ err: error, waiting: this.#pending.count, pauseMs },
					'publication failed and is tried again',
				);
				this.#pending.dropAbandoned(error);
				await this.#pause(pauseMs);
				pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
			}
		}
		this.#running = undefined;
	}

	/** Returns whether there is more to publish already. */
	async #publish(heartbeat: boolean): Promise<boolean> {
		const begunAtMs = performance.now();
		const { publication, receipts, isNew, isBehind } = await publish(this.#context, heartbeat);
		if (isNew) {
			this.#metrics.count('chancery_log_publications_total');
			this.#metrics.observe('chancery_log_publication_seconds', (performance.now() - begunAtMs) / 1000);
		}
		this.#failure = undefined;
		this.head.replace(publication);
		this.#release(receipts);
		return isBehind;
	}

	#fail(error: unknown): void {
		this.#failure = error;
		this.#metrics.count('chancery_log_publication_failures_total');
	}

	/** Answers everyone whose entry the published head covers. */
	#release(receipts: ReadonlyMap<number, Uint8Array>): void {
		const { current } = this.head;
		if (!current) return;
		this.#recent.dropBelow(current.size);
		this.#pending.release(current, receipts);
	}

	/** Only closing ends it early: a new submission does not, or a hot client would set the pace of a failing signer. */
	async #pause(pauseMs: number): Promise<void> {
		if (this.#closed) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, pauseMs);
		this.#endPause = resolve;
		await promise;
		clearTimeout(timer);
		this.#endPause = undefined;
	}
}
