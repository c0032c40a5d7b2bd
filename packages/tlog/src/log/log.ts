/**
 * The log: one append-only tree in one database, written by any number of processes.
 *
 * Life of an entry: `submit` puts it into the queue; the sequencer takes all that is queued into one batch, whose
 * transaction gives each entry its index (batch.ts); after COMMIT the publisher has the new head and the receipts
 * signed, stores them, and advances the mark (publish.ts); then those who wait get entry, receipt, checkpoint and a
 * proof that was checked (answers.ts).
 */
import type { Hash } from '@chancery/core/merkle';
import { rootAt } from '@chancery/core/proof';
import type { MarkStore } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import { type EngineMetrics, NO_METRICS } from '../engine-metrics.ts';
import type { Admitted, NewEntry, Publication, StoredEntry } from '../entry.ts';
import type { BatchHooks } from '../hooks.ts';
import { DEFAULT_LIMITS, type LogLimits } from '../limits.ts';
import type { LogIdentity } from '../log-identity.ts';
import type { LogJob } from '../log-job.ts';
import { type LogSink, SILENT } from '../log-sink.ts';
import { MarkCheck } from '../mark/mark-check.ts';
import { claimHolder } from '../mark/mark-holder.ts';
import { requireState } from '../publish/checked-state.ts';
import { markWithDeadline } from '../publish/deadline.ts';
import type { SignHead, SignReceipt } from '../publish/publish.ts';
import { Publisher } from '../publish/publisher.ts';
import { BUNDLE_CODECS, type BundleCodec } from '../read/bundle-codec.ts';
import { Reads, type SearchQuery } from '../read/reads.ts';
import { retryAfterSeconds } from '../retry-after.ts';
import { Sequencer } from '../sequence/sequencer.ts';
import { readHead } from '../store/heads.ts';
import { requireIdentity } from '../store/identity-check.ts';
import { logTables } from '../store/log-tables.ts';
import { ensurePartitions, PARTITION_ENTRIES } from '../store/partitions.ts';
import type { FoundEntries } from '../store/search.ts';
import { SubmitQueue } from '../submit/submit-queue.ts';
import { TlogError } from '../tlog-error.ts';
import { HashCache } from '../tree/hash-cache.ts';
import { hashReader } from '../tree/hash-reader.ts';
import { healthOf, type LogHealth, reportHealth } from './health.ts';
import { heartbeatJob } from './heartbeat.ts';

export type { Admitted, NewEntry, Publication, ReceiptInput, StoredEntry } from '../entry.ts';

export interface OpenLogOptions {
	readonly database: Database;
	/** Schema with the engine's tables (`migrateTlog`). */
	readonly schema: string;
	readonly identity: LogIdentity;
	readonly mark: MarkStore;
	/** Unix milliseconds. */
	readonly clock: () => number;
	/** Signs a head; what it returns is the note of the publication. Called once per publication, never under the lock. */
	readonly signHead: SignHead;
	/** Signs an entry's receipt (SET, SCT), once per entry, after its COMMIT. Absent: entries have none. */
	readonly signReceipt?: SignReceipt;
	readonly limits?: Partial<LogLimits>;
	readonly logger?: LogSink;
	/** Series of this log; whoever gives it adds the log's name to each. */
	readonly metrics?: EngineMetrics;
	/** Overrides how entry bundles are written; by default the codec that the log's row names. */
	readonly bundleCodec?: BundleCodec;
	/** For tests only. */
	readonly hooks?: BatchHooks;
}

export interface Log {
	/** When `log create` made it, by the database's clock. */
	readonly createdAt: Date;
	/**
	 * Adds an entry, or finds it. Resolves when it is durable and inside the tree of a published checkpoint.
	 * @throws {TlogError} `overloaded`, `read-only`, `entry-refused`, `clock-skew`, `clock-lead`, `unavailable`.
	 */
	submit(entry: NewEntry): Promise<Admitted>;
	published(): Promise<Publication>;
	entry(index: number): Promise<StoredEntry | undefined>;
	entries(start: number, end: number): Promise<StoredEntry[]>;
	findByLeafHash(leafHash: Hash): Promise<number | undefined>;
	search(query: SearchQuery): Promise<FoundEntries>;
	inclusionProof(index: number, size: number): Promise<Hash[]>;
	consistencyProof(first: number, second: number): Promise<Hash[]>;
	rootAt(size: number): Promise<Hash>;
	tile(level: number, index: number, width: number): Promise<Uint8Array | undefined>;
	entryBundle(index: number, width: number): Promise<Uint8Array | undefined>;
	health(): LogHealth;
	/** To be run as long as the log is open. */
	readonly heartbeat: LogJob;
	/** Refuses new submissions, lets the batch in flight end, fails who still waits. Closes the mark, not the database. */
	close(): Promise<void>;
}

/**
 * Opens a log that `createLog` has made. A log whose database is not the one it was published from opens read-only and
 * says why; so does one whose server may lose data.
 * @throws {TlogError} `identity-mismatch` when the stored log is another one or belongs to another mark, `unavailable` when
 * another host has its mark; {MarkPlaceError} when the mark can never be kept in its place; whatever the database throws when
 * it cannot be read.
 */
export async function openLog(options: OpenLogOptions): Promise<Log> {
	const { database, identity, clock, hooks = {}, logger = SILENT, metrics = NO_METRICS } = options;
	const limits: LogLimits = { ...DEFAULT_LIMITS, ...options.limits };
	const tables = logTables(options.schema, identity.logId);
	const codec = options.bundleCodec ?? BUNDLE_CODECS[identity.codec];

	const { createdAt } = await requireIdentity(database, tables, identity);
	const state = await requireState({ database, tables });
	const markStore = markWithDeadline(options.mark, limits.markTimeoutMs, metrics);
	await claimHolder(database, tables, markStore, state);

	const mark = new MarkCheck(markStore, identity);
	const cache = new HashCache();
	const queue = new SubmitQueue(limits, metrics);
	const inCommon = { database, tables, limits, mark, cache, hooks, clock };
	const sequencer: Sequencer = new Sequencer({
		context: { ...inCommon, maxLeafBytes: limits.maxLeafBytes ?? codec.maxLeafBytes },
		queue,
		onBatch: ({ edge, outcomes }) => publisher.accept(edge.size, outcomes),
		onMarkProblem: () => publisher.request(),
		logger,
		metrics,
		partitionsEnd: await ensurePartitions(database, tables, state.head.size + PARTITION_ENTRIES),
	});
	const publisher: Publisher = new Publisher({
		context: {
			...inCommon,
			signHead: options.signHead,
			signReceipt: options.signReceipt,
			edge: () => sequencer.edge,
		},
		queue,
		logger,
		metrics,
	});
	const reads = new Reads({
		source: { sql: database, tables, cache },
		codec,
		mark,
		head: publisher.head,
		publicationFailure: () => publisher.failure,
		refreshMs: limits.refreshMs,
	});

	// A new connection may lead to another server than the ones before. It is looked at before anyone reads through it.
	const endInspection = database.inspectConnections?.(async (sql) => {
		const { known } = mark;
		const head = await readHead(sql, tables);
		if (!head || !known || mark.problem) return;
		try {
			await mark.compareKnown(head, (size) => rootAt(size, hashReader({ sql, tables }, head.size)), known);
		} catch (error) {
			if (!(error instanceof TlogError)) throw error;
			// The log is read-only from here on; somebody has to look again for that to end.
			publisher.request();
		}
	});
	const health = () => healthOf({ mark, sequencer, publisher, queue });
	const report = () => reportHealth(health(), metrics);
	await publisher.start();
	await sequencer.probe();
	report();

	let closed = false;
	return {
		createdAt,
		async submit(entry) {
			if (closed) throw new TlogError('unavailable', 'the log is closing', { retryAfterSeconds: retryAfterSeconds() });
			if (mark.problem) {
				// Somebody has to look again for the problem to end.
				publisher.request();
				throw mark.asError();
			}
			const { current, unpublished } = publisher.head;
			if (!current && publisher.failure instanceof TlogError) throw publisher.failure;
			if (!current || unpublished >= limits.maxUnpublished)
				throw new TlogError('unavailable', 'publication is behind: nothing new can be answered', {
					retryAfterSeconds: retryAfterSeconds(),
					cause: publisher.failure,
				});
			const answer = queue.add(entry);
			sequencer.wake();
			return answer;
		},
		published: () => reads.published(),
		entry: (index) => reads.entry(index),
		entries: (start, end) => reads.entries(start, end),
		findByLeafHash: (leafHash) => reads.findByLeafHash(leafHash),
		search: (query) => reads.search(query),
		inclusionProof: (index, size) => reads.inclusionProof(index, size),
		consistencyProof: (first, second) => reads.consistencyProof(first, second),
		rootAt: (size) => reads.rootAt(size),
		tile: (level, index, width) => reads.tile(level, index, width),
		entryBundle: (index, width) => reads.entryBundle(index, width),
		health,
		heartbeat: heartbeatJob({
			name: `${identity.logId} heartbeat`,
			publisher,
			sequencer,
			queue,
			heartbeatMs: limits.heartbeatMs,
			onLook: report,
			logger,
		}),
		async close() {
			if (closed) return;
			closed = true;
			endInspection?.();
			await sequencer.close();
			await publisher.close();
			queue.refuseAll(new TlogError('unavailable', 'the log was closed', { retryAfterSeconds: retryAfterSeconds() }));
			await options.mark.close?.();
		},
	};
}
