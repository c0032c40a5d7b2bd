/**
 * The audit of a log as it is stored: entries, tiles, both heads, checkpoint, mark and receipts, all recomputed and all
 * compared. The database is only read, a bundle at a time, and may be written to meanwhile.
 */

import { type AuditReport, Findings } from '@chancery/client/log-audit/findings';
import { openCheckpoint } from '@chancery/client/log-audit/log-key';
import { type AuditedTree, auditTree, type TileBytes, type WatchedSizes } from '@chancery/client/log-audit/tree-audit';
import { equalBytes, toHex } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { type Hash, hashLeaf, rootOf } from '@chancery/core/merkle';
import { sha256 } from '@chancery/core/sha';
import { TILE_WIDTH } from '@chancery/core/tile';
import { readFileMark } from '@chancery/postgres/mark/file-mark';
import { type Mark, MarkError } from '@chancery/postgres/mark/mark';
import { sqlState } from '@chancery/postgres/pg-errors';
import type { Database } from '@chancery/postgres/sql';
import type { StoredEntry } from '@chancery/tlog/entry';
import { type AcceptedLead, listAcceptedLeads } from '@chancery/tlog/store/accepted-leads';
import { readBeyondHeads, readTileRoots, readTileRow } from '@chancery/tlog/store/audit-rows';
import { readEntryRange } from '@chancery/tlog/store/entries';
import { readLogRow } from '@chancery/tlog/store/log-rows';
import type { LogTables } from '@chancery/tlog/store/log-tables';
import { type LogState, readState } from '@chancery/tlog/store/publications';
import { type ReceiptCheck, receiptCheck } from './receipt-check.ts';

export interface StoredLog {
	readonly database: Database;
	readonly tables: LogTables;
	/** DER of the log's key as the instance has it: what the database says of itself is compared with it. */
	readonly publicKey: Uint8Array;
	/** File of the mark. */
	readonly mark: string;
	readonly onProgress?: (entries: number, size: number) => void;
}

/** More than anyone accepts in the life of a log. */
const MAX_RESTARTS = 10_000;

/** @throws whatever the database throws when it cannot be asked at all */
export async function auditStoredLog(log: StoredLog): Promise<AuditReport> {
	const { database, tables, publicKey, onProgress } = log;
	const findings = new Findings();
	// The mark first: published is never behind it, so a log that goes on publishing does not look wrong.
	const mark = await readMark(log, findings);
	const row = await readLogRow(database, tables);
	const state = await readState(database, tables);
	if (!row || !state) {
		findings.add('log', `there is no ${row ? 'head' : 'row'} of ${tables.logId}`);
		return {
			origin: row?.origin ?? '',
			size: undefined,
			root: undefined,
			findings: findings.kept,
			count: findings.count,
		};
	}
	if (!equalBytes(row.publicKey, publicKey))
		findings.add('log', `its row has the public key ${toHex(row.publicKey)}, the instance has ${toHex(publicKey)}`);

	const { head, published } = state;
	const restarts = new Map(
		(await listAcceptedLeads(database, tables, MAX_RESTARTS)).map((lead) => [lead.size, lead] as const),
	);
	const tree = storedTree(log, state, { checkReceipt: receiptCheck(row.wire, publicKey), restarts }, findings);
	const roots = await auditTree(tree, {
		size: head.size,
		root: head.root,
		claimant: 'the integrated head',
		findings,
		watch: [published, mark].flatMap((claim) => (claim ? [claim.size] : [])),
		onProgress: (entries) => onProgress?.(entries, head.size),
	});
	const signed = { origin: row.origin, publicKey, wire: row.wire };
	await checkPublished(state, roots, signed, findings);
	if (mark) await checkMark(mark, state, roots, signed, findings);
	await checkBeyond(log, findings);
	const size = published?.size;
	const root = published && toHex(published.root);
	return { origin: row.origin, size, root, findings: findings.kept, count: findings.count };
}

interface EntryRules {
	readonly checkReceipt: ReceiptCheck;
	/** By index: where an operator has accepted that times begin again. */
	readonly restarts: ReadonlyMap<number, AcceptedLead>;
}

function storedTree(
	{ database, tables }: StoredLog,
	{ published }: LogState,
	rules: EntryRules,
	findings: Findings,
): AuditedTree {
	/** Of the bundles under way: leaf hashes as recomputed and as in the column of that name. */
	const underWay = new Map<number, Promise<Leaves>>();
	const tileName = (level: number, index: number, width: number) =>
		width < TILE_WIDTH ? `right edge at tile level ${level}` : `tile/${level}/${index}`;

	const readLeaves = async (index: number, width: number): Promise<Leaves> => {
		const begin = index * TILE_WIDTH;
		// With the last one of the bundle before, for its time.
		const rows = await readable(findings, `entries ${begin} to ${begin + width - 1}`, () =>
			readEntryRange(database, tables, Math.max(0, begin - 1), begin + width),
		);
		if (!rows) return { computed: Array.from({ length: width }), columns: Array.from({ length: width }) };
		const found = new Map(rows.map((entry) => [entry.index, entry]));
		const entries = Array.from({ length: width }, (_, i) => found.get(begin + i));
		for (const [i, entry] of entries.entries()) {
			if (!entry) findings.add(`entry ${begin + i}`, 'is missing');
			else checkEntry(entry, found.get(begin + i - 1), (published?.size ?? 0) > entry.index, rules, findings);
		}
		return {
			computed: entries.map((entry) => entry && hashLeaf(entry.leaf)),
			columns: entries.map((entry) => entry?.leafHash),
		};
	};

	return {
		tileName,
		async leafHashes(index, width) {
			const reading = readLeaves(index, width);
			underWay.set(index, reading);
			return (await reading).computed;
		},
		async tile(level, index, width): Promise<TileBytes> {
			const name = tileName(level, index, width);
			const bytes =
				(await readable(findings, name, () =>
					width < TILE_WIDTH
						? readEdge({ database, tables, level, index, width, leaves: underWay })
						: readFullTile({ database, tables, level, index }, name, findings),
				)) ?? 'unknown';
			if (level !== 0) return bytes;
			const leaves = await underWay.get(index);
			underWay.delete(index);
			if (leaves && width === TILE_WIDTH && bytes instanceof Uint8Array) checkColumns(leaves, index, bytes, findings);
			return bytes;
		},
	};
}

interface Leaves {
	readonly computed: readonly (Hash | undefined)[];
	readonly columns: readonly (Hash | undefined)[];
}

function checkEntry(
	{ index, timestampMs, ...entry }: StoredEntry,
	before: StoredEntry | undefined,
	isPublished: boolean,
	{ checkReceipt, restarts }: EntryRules,
	findings: Findings,
): void {
	const restart = restarts.get(index);
	if (restart && timestampMs < restart.resumedMs)
		findings.add(`entry ${index}`, `its time ${timestampMs} is before ${restart.resumedMs}, where times begin again`);
	else if (!restart && before && before.timestampMs > timestampMs)
		findings.add(
			`entry ${index}`,
			`its time ${timestampMs} is before ${before.timestampMs}, that of entry ${index - 1}`,
		);
	const problem = isPublished ? checkReceipt({ index, timestampMs, ...entry }) : undefined;
	if (problem) findings.add(`entry ${index}`, problem);
}

/** The column that proofs of the newest entries are made of. A leaf or a tile that was changed is told by the audit itself. */
function checkColumns({ computed, columns }: Leaves, index: number, tile: Uint8Array, findings: Findings): void {
	for (const [i, hash] of computed.entries()) {
		const column = columns[i];
		if (!hash || !column || equalBytes(column, hash) || !equalBytes(hash, tile.subarray(i * 32, i * 32 + 32))) continue;
		findings.add(
			`entry ${index * TILE_WIDTH + i}`,
			`its column leaf_hash is ${toHex(column)}, leaf and tree have ${toHex(hash)}`,
		);
	}
}

interface TilePlace {
	readonly database: Database;
	readonly tables: LogTables;
	readonly level: number;
	readonly index: number;
}

async function readFullTile(
	{ database, tables, level, index }: TilePlace,
	name: string,
	findings: Findings,
): Promise<TileBytes> {
	const row = await readTileRow(database, tables, level, index);
	if (!row) return 'missing';
	const made = rootOf(Array.from({ length: TILE_WIDTH }, (_, i) => row.hashes.subarray(i * 32, i * 32 + 32)));
	// When the hashes themselves were changed, the tree above says so.
	const above = await readTileRow(database, tables, level + 1, Math.floor(index / TILE_WIDTH));
	const offset = (index % TILE_WIDTH) * 32;
	const isTrue = !above || equalBytes(above.hashes.subarray(offset, offset + 32), made);
	if (isTrue && above && !equalBytes(row.root, made))
		findings.add(name, `its column root is ${toHex(row.root)}, its hashes make ${toHex(made)}`);
	return row.hashes;
}

/** Partial tiles are not stored: they are made of these columns. */
async function readEdge(
	at: TilePlace & { readonly width: number; readonly leaves: ReadonlyMap<number, Promise<Leaves>> },
): Promise<TileBytes> {
	const { database, tables, level, index, width } = at;
	const begin = index * TILE_WIDTH;
	if (level > 0) {
		// One that is not there has been reported as a missing tile.
		const range = { level: level - 1, begin, end: begin + width };
		return (await readTileRoots(database, tables, range)) ?? 'unknown';
	}
	const columns = (await at.leaves.get(index))?.columns ?? [];
	return columns.length < width || columns.includes(undefined)
		? 'unknown'
		: new Uint8Array(Buffer.concat(columns as Hash[]));
}

async function checkPublished(
	{ head, published }: LogState,
	roots: WatchedSizes,
	signed: SignedBy,
	findings: Findings,
): Promise<void> {
	if (!published) {
		if (head.size > 0) findings.add('published head', `is missing, ${head.size} entries are integrated`);
		return;
	}
	const { size, root, note, timestampMs } = published;
	if (size > head.size)
		findings.add('published head', `has ${size} entries, only ${head.size} are integrated: entries are missing`);
	checkRoot('published head', published, head, roots, findings);
	await checkNote('checkpoint', { size, root, note, timestampMs }, signed, findings);
}

/** A head of the size of the integrated one may agree with that: then what is wrong has been said already. */
function checkRoot(
	where: string,
	{ size, root }: { readonly size: number; readonly root: Hash },
	head: LogState['head'],
	roots: WatchedSizes,
	findings: Findings,
): void {
	const made = roots.get(size) ?? [];
	if (size === head.size && equalBytes(root, head.root)) return;
	if (made.length === 0 || made.some((one) => equalBytes(one, root))) return;
	const stored = made.map(toHex).join(' or ');
	findings.add(where, `has root ${toHex(root)} at size ${size}, the stored tree has ${stored}`);
}

interface SignedBy {
	readonly origin: string;
	readonly publicKey: Uint8Array;
	readonly wire: string;
}

async function checkNote(
	where: string,
	stated: { size: number; root: Hash; note: Uint8Array; timestampMs?: number },
	{ origin, publicKey, wire }: SignedBy,
	findings: Findings,
): Promise<void> {
	try {
		const checkpoint = await openCheckpoint(stated.note, { spki: publicKey, named: undefined }, origin);
		if (checkpoint.size !== stated.size || !equalBytes(checkpoint.root, stated.root))
			findings.add(
				where,
				`is signed for root ${toHex(checkpoint.root)} at size ${checkpoint.size}, beside it stands root ${toHex(stated.root)} at size ${stated.size}`,
			);
		if (wire === 'rfc6962' && stated.timestampMs !== undefined && checkpoint.timestampMs !== stated.timestampMs)
			findings.add(where, `is signed for the time ${checkpoint.timestampMs}, beside it stands ${stated.timestampMs}`);
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		findings.add(where, error.message);
	}
}

async function readMark({ mark }: StoredLog, findings: Findings): Promise<Mark | undefined> {
	try {
		const found = await readFileMark(mark);
		if (!found) findings.add('mark', `is missing from ${mark}`);
		return found;
	} catch (error) {
		if (!(error instanceof MarkError)) throw error;
		findings.add('mark', error.message);
		return undefined;
	}
}

async function checkMark(
	mark: Mark,
	{ head, published }: LogState,
	roots: WatchedSizes,
	signed: SignedBy,
	findings: Findings,
): Promise<void> {
	const size = published?.size ?? 0;
	if (!equalBytes(mark.keyId, sha256(signed.publicKey)))
		findings.add('mark', `belongs to the key ${toHex(mark.keyId)} of ${mark.origin}`);
	if (mark.size > size)
		findings.add('mark', `has ${mark.size} entries, the published head ${size}: entries are missing`);
	else checkRoot('mark', mark, head, roots, findings);
	await checkNote('mark', mark, signed, findings);
}

async function checkBeyond({ database, tables }: StoredLog, findings: Findings): Promise<void> {
	const { entry, tile, receipt } = await readBeyondHeads(database, tables);
	if (entry !== null) findings.add(`entry ${entry}`, 'lies beyond the integrated head');
	if (tile !== null) findings.add(`tile/${tile}`, 'lies beyond the integrated head');
	if (receipt !== null) findings.add(`entry ${receipt}`, 'has a receipt and lies beyond the published head');
}

/** What the server cannot read, because its own files are damaged (class XX), is a finding; the rest can be audited. */
async function readable<T>(findings: Findings, where: string, read: () => Promise<T>): Promise<T | undefined> {
	try {
		return await read();
	} catch (error) {
		if (!sqlState(error)?.startsWith('XX')) throw error;
		findings.add(where, `cannot be read: ${error instanceof Error ? error.message : String(error)}`);
		return undefined;
	}
}
