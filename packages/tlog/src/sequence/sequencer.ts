/**
 * The writer's loop: takes what has queued up, runs it as one batch, and takes again. While one batch commits the next
 * one collects, so batches are as large as the load asks for and an idle log answers at once (group commit without a
 * timer).
 *
 * It also decides what each failure of a batch means. The rule behind all cases: after any failure memory is
 * worth nothing, and the next attempt reads everything again under the lock.
 */
import {
	CommitUnknownError,
	isDataError,
	isDiskFull,
	isRetryable,
	isTimeout,
	isUnavailable,
	sqlState,
} from '@chancery/postgres/pg-errors';
import type { EngineMetrics } from '../engine-metrics.ts';
import type { LogSink } from '../log-sink.ts';
import { retryAfterSeconds } from '../retry-after.ts';
import type { AcceptedLead } from '../store/accepted-leads.ts';
import { ensurePartitions, PARTITION_ENTRIES } from '../store/partitions.ts';
import type { Submission } from '../submit/submission.ts';
import type { SubmitQueue } from '../submit/submit-queue.ts';
import { TlogError } from '../tlog-error.ts';
import type { TreeEdge } from '../tree/tree-edge.ts';
import { type BatchContext, type BatchResult, PartitionsMissing, runBatch } from './batch.ts';
import { bisect } from './bisect.ts';

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 1_000;

/** SQLSTATE of a write on a standby. The connection led there; the next one may lead to the primary. */
const READ_ONLY_SERVER = '25006';

/** What to do after a failed attempt. */
type Verdict = 'again' | 'pause' | 'poison' | 'refuse';

export class Sequencer {
	readonly #context: BatchContext;
	readonly #queue: SubmitQueue;
	readonly #onBatch: (result: BatchResult) => void;
	readonly #onMarkProblem: () => void;
	readonly #logger: LogSink;
	readonly #metrics: EngineMetrics;
	#partitionsEnd: number;
	/** The tree as this process last left it; undefined means: read it. Moves only after COMMIT was acknowledged. */
	#edge: TreeEdge | undefined;
	#running: Promise<void> | undefined;
	#problem: TlogError | undefined;
	#lead: AcceptedLead | undefined;
	#closed = false;

	constructor(options: {
		context: Omit<BatchContext, 'partitionsEnd'>;
		queue: SubmitQueue;
		/** Told of each committed batch, in order. */
		onBatch: (result: BatchResult) => void;
		/** Told when the mark forbids writing: somebody has to compare again for that to end. */
		onMarkProblem: () => void;
		logger: LogSink;
		metrics: EngineMetrics;
		partitionsEnd: number;
	}) {
		this.#context = { ...options.context, partitionsEnd: () => this.#partitionsEnd };
		this.#queue = options.queue;
		this.#onBatch = options.onBatch;
		this.#onMarkProblem = options.onMarkProblem;
		this.#logger = options.logger;
		this.#metrics = options.metrics;
		this.#partitionsEnd = options.partitionsEnd;
	}

	/** The committed tree as this process knows it. */
	get edge(): TreeEdge | undefined {
		return this.#edge;
	}

	/** Why the last batch was refused as a whole; undefined after one that was not. What the mark says is the mark's. */
	get problem(): TlogError | undefined {
		return this.#problem;
	}

	/** The stored time is ahead of the present, with an operator's consent, as the last batch found it. */
	get lead(): AcceptedLead | undefined {
		return this.#lead;
	}

	/**
	 * A batch of nothing: takes the lock, looks at server and tree, and finds out whether the log may grow. Without it a
	 * log that was taken out of traffic for a problem would never see the problem end.
	 */
	async probe(): Promise<void> {
		if (this.#running || this.#closed) return;
		this.#running = this.#probe().finally(() => {
			this.#running = undefined;
			if (this.#queue.queued > 0) this.wake();
		});
		await this.#running;
	}

	/** Something is queued. Everything that arrives in this turn of the event loop still gets into the first batch. */
	wake(): void {
		this.#running ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#run());
	}

	/** Starts no further batch; resolves when the one in flight has ended. */
	async close(): Promise<void> {
		this.#closed = true;
		await this.#running;
	}

	/** Makes the partition after the present one, long before the first entry needs it. */
	async preparePartitions(size: number): Promise<void> {
		const ahead = size + PARTITION_ENTRIES;
		if (ahead >= this.#partitionsEnd) await this.#makePartitions(ahead);
	}

	async #probe(): Promise<void> {
		try {
			const { edge, lead } = await runBatch(this.#context, [], this.#edge);
			this.#edge = edge;
			this.#lead = lead;
			this.#problem = undefined;
			this.#queue.endStall();
		} catch (error) {
			this.#metrics.count('chancery_log_batch_failures_total');
			this.#fail(error);
		}
	}

	/** Remembers why; returns what those who wait are told. */
	#fail(error: unknown): TlogError {
		const refusal = refusalOf(error);
		this.#edge = undefined;
		const markProblem = this.#context.mark.problem !== undefined;
		this.#problem = markProblem ? undefined : refusal;
		if (markProblem) this.#onMarkProblem();
		this.#logger.error({ err: error }, 'a batch failed');
		return refusal;
	}

	async #run(): Promise<void> {
		while (!this.#closed) {
			const batch = this.#queue.take(this.#context.limits.maxBatchEntries);
			if (batch.length === 0) break;
			await this.#sequence(batch);
		}
		// No turn of the event loop lies between the last look at the queue and here: nothing is left behind.
		this.#running = undefined;
	}

	async #sequence(batch: readonly Submission[]): Promise<void> {
		try {
			await bisect(batch, {
				work: (part) => this.#commit(part),
				isPoison: isDataError,
				refuse: (submission, error) => this.#queue.refuse(submission, poisonError(error)),
			});
		} catch (error) {
			const refusal = this.#fail(error);
			for (const submission of batch) this.#queue.refuse(submission, refusal);
		}
	}

	/** Runs the batch until it is committed, or failed for good, or nobody waits for it any more. */
	async #commit(batch: readonly Submission[]): Promise<void> {
		let pauseMs = FIRST_PAUSE_MS;
		for (;;) {
			const wanted = batch.filter((submission) => submission.waiters.size > 0);
			for (const submission of batch) if (submission.waiters.size === 0) this.#queue.forget(submission);
			if (wanted.length === 0) return;
			const begunAtMs = performance.now();
			try {
				const result = await runBatch(this.#context, wanted, this.#edge);
				this.#edge = result.edge;
				this.#lead = result.lead;
				this.#problem = undefined;
				this.#finish(result);
				this.#metrics.observe('chancery_log_batch_seconds', (performance.now() - begunAtMs) / 1000);
				return;
			} catch (error) {
				this.#edge = undefined;
				const verdict = await this.#judge(error);
				if (!(error instanceof PartitionsMissing)) this.#metrics.count('chancery_log_batch_failures_total');
				if (verdict === 'poison' || verdict === 'refuse') throw error;
				if (verdict === 'pause') {
					// Also while it is tried again: whoever looks after the service must not have to wait for the verdict.
					this.#problem = refusalOf(error);
					if (this.#closed) throw error;
					this.#logger.warn({ err: error, entries: wanted.length, pauseMs }, 'a batch is tried again');
					await new Promise((resolve) => setTimeout(resolve, pauseMs));
					pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
				}
			}
		}
	}

	async #judge(error: unknown): Promise<Verdict> {
		if (error instanceof PartitionsMissing) {
			await this.#makePartitions(error.index + PARTITION_ENTRIES);
			return 'again';
		}
		if (isRetryable(error)) return 'again';
		if (isDataError(error)) return 'poison';
		// Who waits is told at once: trying again until the time is up would let a full disk hold every place.
		if (isDiskFull(error)) return 'refuse';
		if (error instanceof CommitUnknownError || isUnavailable(error) || isTimeout(error)) return 'pause';
		return sqlState(error) === READ_ONLY_SERVER ? 'pause' : 'refuse';
	}

	#finish(result: BatchResult): void {
		this.#queue.putBack(result.leftOver);
		let entries = 0;
		for (const [submission, outcome] of result.outcomes) {
			if (outcome.kind === 'new') entries += 1;
			if (outcome.kind === 'refused') this.#queue.refuse(submission, outcome.error);
		}
		this.#metrics.count('chancery_log_batches_total');
		this.#metrics.count('chancery_log_entries_total', entries);
		this.#metrics.observe('chancery_log_batch_entries', entries);
		this.#onBatch(result);
	}

	async #makePartitions(index: number): Promise<void> {
		const { database, tables } = this.#context;
		this.#partitionsEnd = Math.max(this.#partitionsEnd, await ensurePartitions(database, tables, index));
	}
}

function poisonError(error: unknown): TlogError {
	const state = sqlState(error) ?? '';
	return new TlogError('entry-refused', `the database refuses the entry's data (SQLSTATE ${state})`, { cause: error });
}

function refusalOf(error: unknown): TlogError {
	if (error instanceof TlogError) return error;
	if (sqlState(error) === READ_ONLY_SERVER)
		return new TlogError('read-only', 'the database server does not accept writes (a standby)', { cause: error });
	const isAway = isUnavailable(error) || isTimeout(error) || error instanceof CommitUnknownError;
	const detail = isAway ? 'the database does not take entries now' : 'the entry could not be stored';
	return new TlogError('unavailable', detail, {
		retryAfterSeconds: retryAfterSeconds(),
		cause: error,
	});
}
