/** The entries of the audit: leaves hashed again, times in order, receipts signed by the log. */
import { equalBytes, toHex } from '@chancery/core/bytes';
import type { Findings } from '@chancery/core/log-audit/findings';
import { type Hash, hashLeaf } from '@chancery/core/merkle';
import { TILE_WIDTH } from '@chancery/core/tile';
import type { Sql } from '@chancery/postgres/sql';
import type { StoredEntry } from '../entry.ts';
import type { AcceptedLead } from '../store/accepted-leads.ts';
import { readEntryRange } from '../store/entries.ts';
import type { LogTables } from '../store/log-tables.ts';
import { readable } from './readable.ts';

/** What is wrong with the receipt of a published entry, or with its absence; undefined when nothing is. */
export type ReceiptCheck = (entry: StoredEntry) => string | undefined;

export interface EntryRules {
	readonly checkReceipt: ReceiptCheck;
	/** By index: where an operator has accepted that times begin again. */
	readonly restarts: ReadonlyMap<number, AcceptedLead>;
	/** Only entries below it have receipts. */
	readonly publishedSize: number;
}

/** Of one bundle: its leaf hashes as recomputed, and as they stand in the column of that name. */
export interface BundleLeaves {
	readonly computed: readonly (Hash | undefined)[];
	readonly columns: readonly (Hash | undefined)[];
}

/** Reads and checks the `width` entries of bundle `index`. */
export async function auditBundle(
	{ sql, tables }: { readonly sql: Sql; readonly tables: LogTables },
	{ index, width }: { readonly index: number; readonly width: number },
	rules: EntryRules,
	findings: Findings,
): Promise<BundleLeaves> {
	const begin = index * TILE_WIDTH;
	// With the last one of the bundle before, for its time.
	const rows = await readable(findings, `entries ${begin} to ${begin + width - 1}`, () =>
		readEntryRange(sql, tables, Math.max(0, begin - 1), begin + width),
	);
	if (!rows) return { computed: Array.from({ length: width }), columns: Array.from({ length: width }) };
	const found = new Map(rows.map((entry) => [entry.index, entry]));
	const entries = Array.from({ length: width }, (_, i) => found.get(begin + i));
	for (const [i, entry] of entries.entries()) {
		if (!entry) findings.add(`entry ${begin + i}`, 'is missing');
		else checkEntry(entry, found.get(begin + i - 1), rules, findings);
	}
	return {
		computed: entries.map((entry) => entry && hashLeaf(entry.leaf)),
		columns: entries.map((entry) => entry?.leafHash),
	};
}

function checkEntry(
	{ index, timestampMs, ...entry }: StoredEntry,
	before: StoredEntry | undefined,
	{ checkReceipt, restarts, publishedSize }: EntryRules,
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
	const problem = index < publishedSize ? checkReceipt({ index, timestampMs, ...entry }) : undefined;
	if (problem) findings.add(`entry ${index}`, problem);
}

/** The column that proofs of the newest entries are made of. A leaf or a tile that was changed is told by the audit itself. */
export function checkColumns(
	{ computed, columns }: BundleLeaves,
	index: number,
	tile: Uint8Array,
	findings: Findings,
): void {
	for (const [i, hash] of computed.entries()) {
		const column = columns[i];
		if (!hash || !column || equalBytes(column, hash) || !equalBytes(hash, tile.subarray(i * 32, i * 32 + 32))) continue;
		findings.add(
			`entry ${index * TILE_WIDTH + i}`,
			`its column leaf_hash is ${toHex(column)}, leaf and tree have ${toHex(hash)}`,
		);
	}
}
