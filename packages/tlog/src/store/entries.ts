/** Entries and what makes them repeats. Inserted in batches, never changed. */
import { concatBytes, equalBytes } from '@chancery/core/bytes';
import { HASH_LENGTH, type Hash } from '@chancery/core/merkle';
import type { SchemaName } from '@chancery/postgres/schema-name';
import type { Sql } from '@chancery/postgres/sql';
import type { StoredEntry } from '../entry.ts';
import type { LogTables } from './log-tables.ts';
import { packBytes, plainBytes } from './packed-rows.ts';

export interface EntryInsert {
	readonly identity: Uint8Array;
	readonly leafHash: Hash;
	readonly leaf: Uint8Array;
	readonly extra: Uint8Array | null;
}

interface EntryRow {
	index: number;
	timestamp_ms: number;
	leaf_hash: Uint8Array;
	leaf: Uint8Array;
	extra: Uint8Array | null;
	receipt: Uint8Array | null;
}

/** Stores entries at consecutive indexes from `firstIndex`, all with one time, together with their identities. */
export async function insertEntries(
	sql: Sql,
	tables: LogTables,
	batch: { firstIndex: number; timestampMs: number; entries: readonly EntryInsert[] },
): Promise<void> {
	const { firstIndex, timestampMs, entries } = batch;
	const leaves = packBytes(entries.map((entry) => entry.leaf));
	const extras = packBytes(entries.map((entry) => entry.extra));
	await sql.query(
		`with batch as (
			select $2::bigint + n - 1 as index,
				substr($4::bytea, (n::int - 1) * ${HASH_LENGTH} + 1, ${HASH_LENGTH}) as leaf_hash,
				substr($5::bytea, (n::int - 1) * ${HASH_LENGTH} + 1, ${HASH_LENGTH}) as identity,
				same_identity,
				substr($6::bytea, leaf_start, leaf_length) as leaf,
				case when extra_length >= 0 then substr($7::bytea, extra_start, extra_length) end as extra
			from unnest($8::int[], $9::int[], $10::int[], $11::int[], $12::bool[])
				with ordinality as r(leaf_start, leaf_length, extra_start, extra_length, same_identity, n)
		), stored as (
			insert into ${tables.schema}.tlog_entries (log_id, index, timestamp_ms, leaf_hash, leaf, extra)
			select $1, index, $3::bigint, leaf_hash, leaf, extra from batch
		)
		insert into ${tables.schema}.tlog_identities (log_id, index, identity, leaf_hash)
		select $1, index, identity, case when not same_identity then leaf_hash end from batch`,
		[
			tables.logId,
			firstIndex,
			timestampMs,
			concatBytes(...entries.map((entry) => entry.leafHash)),
			concatBytes(...entries.map((entry) => entry.identity)),
			leaves.bytes,
			extras.bytes,
			leaves.starts,
			leaves.lengths,
			extras.starts,
			extras.lengths,
			entries.map((entry) => equalBytes(entry.identity, entry.leafHash)),
		],
	);
}

/**
 * Index of each identity that the log knows, by position in `identities`. One index lookup per identity and partition:
 * the lateral with its limit keeps the planner from ever scanning a partition.
 */
export async function findIdentities(
	sql: Sql,
	tables: LogTables,
	identities: readonly Uint8Array[],
): Promise<Map<number, number>> {
	if (identities.length === 0) return new Map();
	const rows = await sql.query<{ n: number; index: number }>(
		`select wanted.n, found.index
		from generate_series(1, $3::int) as wanted(n)
		cross join lateral (
			select i.index from ${tables.schema}.tlog_identities i
			where i.log_id = $1 and i.identity = substr($2::bytea, (wanted.n - 1) * ${HASH_LENGTH} + 1, ${HASH_LENGTH})
			limit 1
		) found`,
		[tables.logId, concatBytes(...identities), identities.length],
	);
	return new Map(rows.map((row) => [row.n - 1, row.index]));
}

/** First index below `size` whose leaf hash this is. */
export async function findLeafHash(
	sql: Sql,
	tables: LogTables,
	leafHash: Hash,
	size: number,
): Promise<number | undefined> {
	const [row] = await sql.query<{ index: number | null }>(
		`select min(index) as index from (
			select index from ${tables.schema}.tlog_identities
			where log_id = $1 and identity = $2 and leaf_hash is null and index < $3
			union all
			select index from ${tables.schema}.tlog_identities where log_id = $1 and leaf_hash = $2 and index < $3
		) found`,
		[tables.logId, leafHash, size],
	);
	return row?.index ?? undefined;
}

/** Entries [begin, end) in order, with their receipts. */
export async function readEntryRange(sql: Sql, tables: LogTables, begin: number, end: number): Promise<StoredEntry[]> {
	const rows = await sql.query<EntryRow>(
		`${selectEntries(tables)} where e.log_id = $1 and e.index >= $2 and e.index < $3 order by e.index`,
		[tables.logId, begin, end],
	);
	return rows.map(entryOf);
}

/**
 * As `readEntryRange`, but no more of them than have `maxBytes` of leaf and extra together, and at least one. How long they
 * are is known to the server without reading them.
 */
export async function readEntryPage(
	sql: Sql,
	tables: LogTables,
	range: { readonly begin: number; readonly end: number; readonly maxBytes: number },
): Promise<StoredEntry[]> {
	const rows = await sql.query<EntryRow>(
		`${selectEntries(tables)} where e.log_id = $1 and e.index >= $2 and e.index < coalesce((
			select min(measured.index) from (
				select index, sum(octet_length(leaf) + coalesce(octet_length(extra), 0)) over (order by index) as bytes
				from ${tables.schema}.tlog_entries where log_id = $1 and index >= $2 and index < $3
			) measured
			where measured.bytes > $4 and measured.index > $2
		), $3) order by e.index`,
		[tables.logId, range.begin, range.end, range.maxBytes],
	);
	return rows.map(entryOf);
}

/** Of the entries [begin, end) in order, what makes a receipt theirs. */
export async function readReceiptSubjects(
	sql: Sql,
	tables: LogTables,
	begin: number,
	end: number,
): Promise<{ leafHash: Hash; timestampMs: number }[]> {
	const rows = await sql.query<Pick<EntryRow, 'leaf_hash' | 'timestamp_ms'>>(
		`select leaf_hash, timestamp_ms from ${tables.schema}.tlog_entries
		where log_id = $1 and index >= $2 and index < $3 order by index`,
		[tables.logId, begin, end],
	);
	return rows.map((row) => ({ leafHash: plainBytes(row.leaf_hash), timestampMs: row.timestamp_ms }));
}

/** The entries at these indexes, by index; those that do not exist are missing. */
export async function readEntriesAt(
	sql: Sql,
	tables: LogTables,
	indexes: readonly number[],
): Promise<Map<number, StoredEntry>> {
	if (indexes.length === 0) return new Map();
	const rows = await sql.query<EntryRow>(
		`${selectEntries(tables)} where e.log_id = $1 and e.index = any($2::bigint[])`,
		[tables.logId, indexes],
	);
	return new Map(rows.map((row) => [row.index, entryOf(row)]));
}

/** How many entries all logs of a schema have. */
export async function countEntries(sql: Sql, schema: SchemaName): Promise<number> {
	const [row] = await sql.query<{ entries: number }>(`select count(*) as entries from ${schema}.tlog_entries`);
	return row?.entries ?? 0;
}

function selectEntries({ schema }: LogTables): string {
	return `select e.index, e.timestamp_ms, e.leaf_hash, e.leaf, e.extra, r.receipt
		from ${schema}.tlog_entries e
		left join ${schema}.tlog_receipts r on r.log_id = e.log_id and r.index = e.index`;
}

function entryOf(row: EntryRow): StoredEntry {
	return {
		index: row.index,
		timestampMs: row.timestamp_ms,
		leafHash: plainBytes(row.leaf_hash),
		leaf: plainBytes(row.leaf),
		extra: row.extra && plainBytes(row.extra),
		receipt: row.receipt && plainBytes(row.receipt),
	};
}
