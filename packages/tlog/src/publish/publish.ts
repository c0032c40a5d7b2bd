/**
 * One publication: the story from a committed head to a checkpoint that may be shown.
 *
 * Only a committed integrated head is ever signed, and it is signed outside of the head lock: a slow key or a dead one
 * holds up answers, never the sequence. One publication covers all batches since the last one.
 */
import { equalBytes } from '@chancery/core/bytes';
import type { Hash } from '@chancery/core/merkle';
import { rootAt } from '@chancery/core/proof';
import type { Sql } from '@chancery/postgres/sql';
import type { Publication, ReceiptInput } from '../entry.ts';
import type { BatchHooks } from '../hooks.ts';
import type { LogLimits } from '../limits.ts';
import { readEntryRange, readReceiptSubjects } from '../store/entries.ts';
import { lockHead, readHead, touchHead } from '../store/heads.ts';
import { awaitStandby, type LogState, replacePublication } from '../store/publications.ts';
import { insertReceipts } from '../store/receipts.ts';
import { nextTime } from '../time/head-time.ts';
import { comparedNow, readServerClock } from '../time/server-clock.ts';
import { hashReader } from '../tree/hash-reader.ts';
import { readCheckedState, type StateContext } from './checked-state.ts';
import { signedWithin } from './deadline.ts';
import type { RecentEntries } from './recent-entries.ts';

export type SignHead = (head: { size: number; root: Hash; timestampMs: number }) => Promise<Uint8Array>;
export type SignReceipt = (entry: ReceiptInput) => Promise<Uint8Array>;

export interface PublishContext extends StateContext {
	readonly limits: LogLimits;
	readonly hooks: BatchHooks;
	readonly clock: () => number;
	readonly signHead: SignHead;
	readonly signReceipt: SignReceipt | undefined;
	/** Entries of this process that are not published yet, by index; others are read from the database. */
	readonly recent: Pick<RecentEntries, 'get'>;
	/** Told when the database turns out to have another history than the one in which they were stored. */
	readonly onHistoryChanged: () => void;
}

export interface PublishResult {
	readonly publication: Publication;
	/** Receipts by index that this publication stored; empty when it was another process's. */
	readonly receipts: ReadonlyMap<number, Uint8Array>;
	/** Whether this call has published it. */
	readonly isNew: boolean;
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
 * Publishes the integrated head if it is not published, or with `heartbeat` signs it again; in any case returns what is
 * published now, with the mark standing at it.
 * @throws {TlogError} `read-only`, `clock-skew`, `clock-lead`, `unavailable`; whatever the signer and the database throw. After a throw
 * nothing new has been shown to anyone; calling again continues where this call stopped.
 */
export async function publish(context: PublishContext, heartbeat: boolean): Promise<PublishResult> {
	const { database, tables, mark, hooks } = context;
	for (let isAnotherFaster = false; ; ) {
		// 1. Both heads as they are now, whoever moved them, and whether they still contain the mark.
		const state = await readCheckedState(context);
		const { head, published } = state;
		// Another replica has published, or we had before the answer to our COMMIT got lost. A replica that always comes too
		// late, because its signer or its mark is slow, shows what the others publish: it covers its entries as well.
		const isShown = isAnotherFaster && published && !mark.isBeyond(published);
		if (published && (isShown || (published.size === head.size && !heartbeat))) {
			await confirmPublication(context, state, published);
			return { publication: published, receipts: new Map(), isNew: false, isBehind: published.size < head.size };
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
				if (!isReplaced) throw new PublishedByAnother();
				if (!hasTree || !hasSubjects) throw new HistoryChanged();
				if (receipts.length > 0) await insertReceipts(sql, tables, first, receipts);
				await hooks.beforePublish?.();
			});
		} catch (error) {
			if (error instanceof PublishedByAnother) isAnotherFaster = true;
			else if (error instanceof HistoryChanged) context.onHistoryChanged();
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
		return { publication, receipts: stored, isNew: true, isBehind: false };
	}
}

/** Another process published meanwhile: rolled back, and looked at again from the start. */
class PublishedByAnother extends Error {
	override readonly name = 'PublishedByAnother';
}

/** The connection has come to lead to a server with another history: rolled back too, and memory is worth nothing. */
class HistoryChanged extends Error {
	override readonly name = 'HistoryChanged';
}

/** Makes a publication that was read, and not committed by this call, fit to be shown. */
export async function confirmPublication(
	{ database, tables, mark }: Pick<PublishContext, 'database' | 'tables' | 'mark'>,
	state: LogState,
	published: Publication,
): Promise<void> {
	// What the mark has reached was shown before, by whoever committed it.
	if (state.hasSynchronousStandby && !mark.hasReached(published)) await awaitStandby(database, tables);
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
