/**
 * One publication: the story from a committed head to a checkpoint that may be shown.
 *
 * Only a committed integrated head is ever signed, and it is signed outside of the head lock: a slow key or a dead one
 * holds up answers, never the sequence. One publication covers all batches since the last one.
 */
import { equalBytes, toHex } from '@chancery/core/bytes';
import type { Hash } from '@chancery/core/merkle';
import { rootAt } from '@chancery/core/proof';
import type { Database, Sql } from '@chancery/postgres/sql';
import type { Publication, ReceiptInput } from '../entry.ts';
import type { BatchHooks } from '../hooks.ts';
import type { LogLimits } from '../limits.ts';
import type { MarkCheck } from '../mark/mark-check.ts';
import { readEntryRange, readReceiptSubjects } from '../store/entries.ts';
import { lockHead, readHead, touchHead } from '../store/heads.ts';
import type { LogTables } from '../store/log-tables.ts';
import { awaitStandby, type LogState, readState, replacePublication } from '../store/publications.ts';
import { insertReceipts } from '../store/receipts.ts';
import { nextTime } from '../time/head-time.ts';
import { comparedNow, readServerClock } from '../time/server-clock.ts';
import { TlogError } from '../tlog-error.ts';
import type { HashCache } from '../tree/hash-cache.ts';
import { hashReader } from '../tree/hash-reader.ts';
import type { TreeEdge } from '../tree/tree-edge.ts';
import { signedWithin } from './deadline.ts';

export type SignHead = (head: { size: number; root: Hash; timestampMs: number }) => Promise<Uint8Array>;
export type SignReceipt = (entry: ReceiptInput) => Promise<Uint8Array>;

export interface PublishContext {
	readonly database: Database;
	readonly tables: LogTables;
	readonly limits: LogLimits;
	readonly mark: MarkCheck;
	readonly cache: HashCache;
	readonly hooks: BatchHooks;
	readonly clock: () => number;
	readonly signHead: SignHead;
	readonly signReceipt: SignReceipt | undefined;
	/** The committed tree as the sequencer of this process left it. */
	readonly edge: () => TreeEdge | undefined;
	/** Own entries that are not published yet, by index; others are read from the database. */
	readonly recent: ReadonlyMap<number, ReceiptInput>;
	/** Told when the database turns out to have another history than the one in which they were stored. */
	readonly forgetRecent: () => void;
}

export interface PublishResult {
	readonly publication: Publication;
	/** Receipts by index that this publication stored; empty when it was another process's. */
	readonly receipts: ReadonlyMap<number, Uint8Array>;
	/** Others were faster, and there is more to publish already. */
	readonly isBehind: boolean;
}

interface SignedReceipt {
	readonly entry: ReceiptInput;
	readonly receipt: Uint8Array;
}

/** Entries whose receipts are signed at a time when they have to be read back. */
const RECEIPT_CHUNK = 256;

/**
 * Publishes the integrated head if it is not published, or with `heartbeat` signs it again; in any case answers what is
 * published now, with the mark standing at it.
 * @throws TlogError `read-only`, `clock-skew`, `clock-lead`, `unavailable`; whatever the signer and the database throw. After a throw
 * nothing new has been shown to anyone; calling again continues where this call stopped.
 */
export async function publish(context: PublishContext, heartbeat: boolean): Promise<PublishResult> {
	const { database, tables, mark, hooks } = context;
	for (let isOutrun = false; ; ) {
		// 1. Both heads as they are now, whoever moved them, and whether they still contain the mark.
		const state = await comparedState(context);
		const { head, published } = state;
		// Another replica has published, or we had before the answer to our COMMIT got lost. A replica that is always
		// outrun, because its signer or its mark is slow, shows what the others publish: it covers its entries as well.
		const isShown = isOutrun && published && !mark.isOvertaken(published);
		if (published && (isShown || (published.size === head.size && !heartbeat))) {
			await trustPublication(context, state, published);
			return { publication: published, receipts: new Map(), isBehind: published.size < head.size };
		}

		// 2. The time. A new head has one from its batch; signing the same head again takes a new one under its lock.
		const timestampMs = await publicationTime(context, state);
		if (timestampMs === undefined) continue;

		// 3. Signatures. A crash here loses them and nothing else: nobody has seen them.
		const { size, root } = head;
		// The head comes first: a signer that does not answer is left with one question per attempt, not with hundreds.
		const first = published?.size ?? 0;
		const note = await signedWithin(context.limits.signTimeoutMs, () => context.signHead({ size, root, timestampMs }));
		const publication: Publication = { size, root, timestampMs, note };
		const signed = await signReceipts(context, first, size);
		const receipts = signed.map(({ receipt }) => receipt);
		await hooks.afterSign?.();

		// 4. Checkpoint and receipts become the published ones together, or another replica's did and ours are thrown away:
		// no entry ever has two receipts.
		try {
			await database.transaction(async (sql) => {
				// Sent together, run in this order: the row of the publication is locked before anything else is looked at.
				const [isReplaced, hasTree, hasSubjects] = await Promise.all([
					replacePublication(sql, tables, published, publication),
					containsPublication(context, sql, publication),
					containsSubjects(context, sql, first, signed),
				]);
				if (!isReplaced) throw new Outrun();
				if (!hasTree || !hasSubjects) throw new OtherHistory();
				if (receipts.length > 0) await insertReceipts(sql, tables, first, receipts);
				await hooks.beforePublish?.();
			});
		} catch (error) {
			if (error instanceof Outrun) isOutrun = true;
			else if (error instanceof OtherHistory) context.forgetRecent();
			else throw error;
			continue;
		}
		// A crash here leaves a publication that nobody was shown and a mark behind it, which the next start accepts: the
		// published tree contains the marked one.
		await hooks.afterPublish?.();

		// 5. The mark. From here on this checkpoint counts as seen by the world.
		await mark.advance(publication);
		await hooks.afterMark?.();
		const stored = new Map(receipts.map((receipt, i) => [first + i, receipt]));
		return { publication, receipts: stored, isBehind: false };
	}
}

/** Another process published meanwhile: rolled back, and looked at again from the start. */
class Outrun extends Error {
	override readonly name = 'Outrun';
}

/** The connection has come to lead to a server with another history: as Outrun, and memory is worth nothing. */
class OtherHistory extends Error {
	override readonly name = 'OtherHistory';
}

/** Makes a publication that was read, and not committed by this call, fit to be shown. */
export async function trustPublication(
	{ database, tables, mark }: Pick<PublishContext, 'database' | 'tables' | 'mark'>,
	state: LogState,
	published: Publication,
): Promise<void> {
	// What the mark has reached was shown before, by whoever committed it.
	if (state.hasSynchronousStandby && !mark.isReached(published)) await awaitStandby(database, tables);
	await mark.advance(published);
}

/**
 * Whether the tree on this server still has the root that was signed. Between signing and here the connection may have
 * come to lead to a server that missed the newest entries and has grown with others since.
 */
async function containsPublication(context: PublishContext, sql: Sql, { size, root }: Publication): Promise<boolean> {
	const { tables, cache } = context;
	const head = await readHead(sql, tables);
	if (!head || head.size < size) return false;
	if (head.size === size) return equalBytes(head.root, root);
	const ours = context.edge()?.isAt(head) === true;
	const read = hashReader(ours ? { sql, tables, cache } : { sql, tables }, head.size);
	return equalBytes(await rootAt(size, read), root);
}

/** Whether the receipts were signed over the entries that stand at their places on this server. */
async function containsSubjects(
	{ tables }: PublishContext,
	sql: Sql,
	first: number,
	signed: readonly SignedReceipt[],
): Promise<boolean> {
	if (signed.length === 0) return true;
	const subjects = await readReceiptSubjects(sql, tables, first, first + signed.length);
	return signed.every(({ entry }, i) => {
		const subject = subjects[i];
		return subject?.timestampMs === entry.timestampMs && equalBytes(subject.leafHash, entry.leafHash);
	});
}

export async function requireState(context: Pick<PublishContext, 'database' | 'tables'>): Promise<LogState> {
	const state = await readState(context.database, context.tables);
	if (!state) throw new TlogError('identity-mismatch', `the log ${context.tables.logId} is not in this database`);
	return state;
}

/** Both heads. Throws TlogError `read-only` unless the head is a tree that is really there and contains the mark. */
export async function comparedState(
	context: Pick<PublishContext, 'database' | 'tables' | 'mark' | 'cache' | 'edge'>,
): Promise<LogState> {
	const { database: sql, tables, mark, cache, edge } = context;
	// The head that this process itself committed needs no second look; any other one is recomputed from what is stored.
	const isOurs = (head: LogState['head']) => edge()?.isAt(head) === true;
	const readerOf = (head: LogState['head']) =>
		hashReader(isOurs(head) ? { sql, tables, cache } : { sql, tables }, head.size);
	const state = await mark.compare(
		async () => requirePossible(await requireState(context)),
		(head) => (size) => rootAt(size, readerOf(head)),
	);
	const { head } = state;
	if (isOurs(head)) return state;
	const root = await rootAt(head.size, readerOf(head));
	if (!equalBytes(root, head.root))
		throw new TlogError(
			'read-only',
			`the stored tree is damaged: its hashes make root ${toHex(root)} at size ${head.size}, the head says ${toHex(head.root)}`,
		);
	return state;
}

function requirePossible(state: LogState): LogState {
	const { head, published } = state;
	if (!published || published.size <= head.size) return state;
	throw new TlogError(
		'read-only',
		`the stored tree is damaged: ${head.size} entries are integrated, ${published.size} published`,
	);
}

/** Later than the time of the publication before, never before an entry's (RFC 6962 section 3.5). Undefined: the head moved on. */
async function publicationTime(context: PublishContext, state: LogState): Promise<number | undefined> {
	const { database, tables } = context;
	const { head, published } = state;
	const after = published ? published.timestampMs + 1 : 0;
	if (published && published.size < head.size) return Math.max(head.timestampMs, after);
	return database.transaction(async (sql) => {
		const [locked, server] = await Promise.all([lockHead(sql, tables), readServerClock(sql)]);
		if (!locked) return undefined;
		const shown = { size: locked.head.size, timestampMs: Math.max(locked.head.timestampMs, after) };
		const { headMs } = await nextTime(context, sql, shown, comparedNow(context, server));
		return touchHead(sql, tables, head, headMs);
	});
}

/** Receipts of the entries [first, end), in order; none when the log gives none. */
async function signReceipts(context: PublishContext, first: number, end: number): Promise<SignedReceipt[]> {
	const { signReceipt, limits } = context;
	if (!signReceipt) return [];
	const signed: SignedReceipt[] = [];
	for (let begin = first; begin < end; begin += RECEIPT_CHUNK) {
		const entries = await entriesToSign(context, begin, Math.min(begin + RECEIPT_CHUNK, end));
		const signing = () => Promise.all(entries.map(async (entry) => ({ entry, receipt: await signReceipt(entry) })));
		signed.push(...(await signedWithin(limits.signTimeoutMs, signing)));
	}
	return signed;
}

async function entriesToSign(context: PublishContext, begin: number, end: number): Promise<readonly ReceiptInput[]> {
	const { database, tables, recent } = context;
	const known: ReceiptInput[] = [];
	for (let index = begin; index < end; index++) {
		const entry = recent.get(index);
		if (!entry) return readEntryRange(database, tables, begin, end);
		known.push(entry);
	}
	return known;
}
