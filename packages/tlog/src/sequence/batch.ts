/**
 * One batch: the transaction that gives entries their place. The story of the write path up to COMMIT.
 *
 * The head row's lock is the sequencer. Whoever holds it may look at the log and add to it; any number of processes take
 * turns. Everything the batch depends on is read after the lock is held, in statements of their own, because a statement
 * sees the database as it was when it began, also when it then waits.
 */
import { equalBytes, utf8 } from '@chancery/core/bytes';
import { type Hash, hashLeaf } from '@chancery/core/merkle';
import { rootAt } from '@chancery/core/proof';
import { CommitUnknownError } from '@chancery/postgres/pg-errors';
import type { Database, Sql } from '@chancery/postgres/sql';
import type { EncodedEntry } from '../entry.ts';
import type { BatchHooks } from '../hooks.ts';
import type { LogLimits } from '../limits.ts';
import type { MarkCheck } from '../mark/mark-check.ts';
import type { AcceptedLead } from '../store/accepted-leads.ts';
import { type EntryInsert, findIdentities, insertEntries } from '../store/entries.ts';
import { type Head, lockHead, moveHead } from '../store/heads.ts';
import type { LogTables } from '../store/log-tables.ts';
import { insertSearchKeys, type SearchKeyInsert } from '../store/search-keys.ts';
import { type FullTile, insertTiles } from '../store/tiles.ts';
import type { Outcome, Submission } from '../submit/submission.ts';
import { nextTime } from '../time/head-time.ts';
import { comparedNow, readServerClock } from '../time/server-clock.ts';
import { TlogError } from '../tlog-error.ts';
import type { HashCache } from '../tree/hash-cache.ts';
import { hashReader } from '../tree/hash-reader.ts';
import { TreeEdge } from '../tree/tree-edge.ts';
import { requireDurable } from './durability.ts';

export interface BatchContext {
	readonly database: Database;
	readonly tables: LogTables;
	readonly limits: LogLimits;
	readonly maxLeafBytes: number;
	readonly mark: MarkCheck;
	readonly cache: HashCache;
	readonly hooks: BatchHooks;
	readonly clock: () => number;
	/** First index for which no partition is known to exist. */
	readonly partitionsEnd: () => number;
}

export interface BatchResult {
	/** The edge after this batch: the memory of the next one. */
	readonly edge: TreeEdge;
	readonly outcomes: ReadonlyMap<Submission, Outcome>;
	/** What had no room in this batch. */
	readonly leftOver: readonly Submission[];
	/** The stored time is ahead of the present, and an operator has accepted that. */
	readonly lead: AcceptedLead | undefined;
}

/** The head has grown up to the last partition; make more, outside of the transaction, and run the batch again. */
export class PartitionsMissing extends Error {
	override readonly name = 'PartitionsMissing';
	readonly index: number;

	constructor(index: number) {
		super(`there is no partition for index ${index}`);
		this.index = index;
	}
}

/** Another writer moved the head although we hold its lock: not the database we think it is. */
class HeadMoved extends Error {
	override readonly name = 'HeadMoved';
}

interface Plan {
	readonly head: Head;
	readonly entries: EntryInsert[];
	readonly searchKeys: SearchKeyInsert[];
	readonly tiles: FullTile[];
	readonly outcomes: Map<Submission, Outcome>;
	readonly leftOver: Submission[];
	readonly hashes: [level: number, index: number, hash: Hash][];
}

/**
 * Stores what is new among `submissions` and returns where everything is. `known` is the edge this process left behind.
 * @throws {TlogError} `read-only`, `clock-skew`, `clock-lead`, `unavailable`; PartitionsMissing; CommitUnknownError and whatever the
 * database says. Unless the outcome is unknown, a throw means that nothing was stored.
 */
export async function runBatch(
	context: BatchContext,
	submissions: readonly Submission[],
	known: TreeEdge | undefined,
): Promise<BatchResult> {
	const { database, tables, hooks, cache } = context;
	const attempted: Submission[] = [];
	const storing = database.transaction(async (sql) => {
		// 1. The lock, and what is a repeat: decided by the database, by whoever committed before us. Until COMMIT nobody else gives out an index; a holder that vanishes is freed by the server's timeouts.
		// The others are sent along with the first and run after it: they begin, and so look, when the lock is held.
		const identities = submissions.map((submission) => submission.entry.identity);
		const [locked, stored, server] = await Promise.all([
			lockHead(sql, tables),
			findIdentities(sql, tables, identities),
			readServerClock(sql),
		]);
		if (!locked) throw new TlogError('identity-mismatch', `the log ${tables.logId} is not in this database`);
		const { head } = locked;
		requireDurable(locked.settings);

		// 2. The time, while nothing has moved yet: never before an earlier one, and not that of a clock gone wrong.
		const time = await nextTime(context, sql, head, comparedNow(context, server));
		const timestampMs = time.entryMs;

		// 3. The edge: from memory when the head is where we left it, else from the database, and then only if the tree
		// there still contains what was published.
		const edge = await edgeAt(context, sql, head, known);

		// 4. Places, leaves, hashes, tiles: in memory, on a copy of the edge.
		const plan = planBatch(context, { submissions, stored, head, edge, timestampMs });
		if (plan.entries.length === 0) return { edge, plan, time };
		if (edge.size > context.partitionsEnd()) throw new PartitionsMissing(edge.size);

		// 5. Entries, tiles and head become visible together or not at all.
		const next = { size: edge.size, root: edge.root(), timestampMs: time.headMs };
		const [isMoved] = await Promise.all([
			moveHead(sql, tables, head, next),
			insertEntries(sql, tables, { firstIndex: head.size, timestampMs, entries: plan.entries }),
			insertSearchKeys(sql, tables, plan.searchKeys),
			insertTiles(sql, tables, plan.tiles),
		]);
		if (!isMoved) throw new HeadMoved(`the head left size ${head.size} while its row was locked`);
		for (const [submission, outcome] of plan.outcomes) {
			if (outcome.kind !== 'new') continue;
			submission.attemptedIndex = outcome.entry.index;
			attempted.push(submission);
		}
		// A crash here leaves nothing behind. A crash during COMMIT leaves all or nothing, and the next start cannot and
		// need not tell which: what was stored gets published, what was not was never answered.
		await hooks.beforeCommit?.();
		return { edge, plan, time };
	});
	const { edge, plan, time } = await storing.catch((error: unknown) => {
		// Only an unknown outcome can have stored anything. The next attempt takes the lock, which waits for or fences the
		// lost one, and finds what it stored by identity. What an earlier attempt may have stored stays open until then.
		if (!(error instanceof CommitUnknownError))
			for (const submission of attempted) submission.attemptedIndex = undefined;
		throw error;
	});
	// A crash here leaves entries that are integrated and unpublished: the next start, or another replica, publishes them.
	await hooks.afterCommit?.();
	for (const [level, index, hash] of plan.hashes) cache.addNode(level, index, hash);
	return { edge, outcomes: plan.outcomes, leftOver: plan.leftOver, lead: time.lead };
}

async function edgeAt(context: BatchContext, sql: Sql, head: Head, known: TreeEdge | undefined): Promise<TreeEdge> {
	if (known?.isAt(head)) return known.clone();
	const { tables, cache, mark } = context;
	const read = hashReader({ sql, tables }, head.size);
	const continues =
		known !== undefined && known.size <= head.size && equalBytes(await rootAt(known.size, read), known.root());
	// What memory holds may belong to a history that this server does not have.
	if (!continues) cache.clear();
	await mark.compareKnown(head, (size) => rootAt(size, read));
	const edge = await TreeEdge.load(sql, tables, head.size, head.root);
	edge.visit((level, index, hash) => cache.addNode(level, index, hash));
	return edge;
}

function planBatch(
	context: BatchContext,
	input: {
		submissions: readonly Submission[];
		stored: ReadonlyMap<number, number>;
		head: Head;
		edge: TreeEdge;
		timestampMs: number;
	},
): Plan {
	const { submissions, stored, head, edge, timestampMs } = input;
	const plan: Plan = { head, entries: [], searchKeys: [], tiles: [], outcomes: new Map(), leftOver: [], hashes: [] };
	let bytes = 0;
	submissions.forEach((submission, position) => {
		const storedIndex = stored.get(position);
		if (storedIndex !== undefined) {
			const isRepeat = submission.attemptedIndex !== storedIndex;
			plan.outcomes.set(submission, { kind: 'stored', index: storedIndex, isRepeat });
			return;
		}
		if (bytes >= context.limits.maxBatchBytes) {
			plan.leftOver.push(submission);
			return;
		}
		// Not there, under the lock: no earlier attempt has stored it.
		submission.attemptedIndex = undefined;
		const index = edge.size;
		let encoded: EncodedEntry;
		try {
			encoded = encodeEntry(submission, index, timestampMs, context.maxLeafBytes);
		} catch (cause) {
			plan.outcomes.set(submission, { kind: 'refused', error: refusal(cause) });
			return;
		}
		const { leaf, extra } = encoded;
		bytes += leaf.length + (extra?.length ?? 0);
		const leafHash = hashLeaf(leaf);
		plan.entries.push({ identity: submission.entry.identity, leafHash, leaf, extra });
		for (const key of encoded.searchKeys) plan.searchKeys.push({ ...key, index });
		plan.tiles.push(...edge.append(leafHash, (level, at, hash) => plan.hashes.push([level, at, hash])));
		plan.outcomes.set(submission, { kind: 'new', entry: { index, timestampMs, leaf, extra, leafHash } });
	});
	return plan;
}

/** Encodes, and finds what would spoil the whole batch: in packed parameters one wrong length shifts all that follow. */
function encodeEntry(submission: Submission, index: number, timestampMs: number, maxLeafBytes: number): EncodedEntry {
	const encoded = submission.entry.encode(index, timestampMs);
	if (encoded.leaf.length > maxLeafBytes)
		throw new TlogError('entry-refused', `the entry has ${encoded.leaf.length} bytes, ${maxLeafBytes} is the limit`);
	for (const key of encoded.searchKeys) {
		if (key.hash.length !== 32) throw new TlogError('entry-refused', `a ${key.kind} search key is not 32 bytes`);
		if (key.text !== undefined) utf8(key.text);
	}
	return encoded;
}

function refusal(cause: unknown): TlogError {
	if (cause instanceof TlogError) return cause;
	return new TlogError('entry-refused', cause instanceof Error ? cause.message : String(cause), { cause });
}
