/** Search by keys (`tlog_search_keys`): which entries carry any of several keys, or all of them. */
import type { Hash } from '@chancery/core/merkle';
import type { Sql } from '@chancery/postgres/sql';
import type { SearchKey } from '../search-key.ts';
import type { LogTables } from './log-tables.ts';
import { plainBytes } from './packed-rows.ts';

export interface SearchRange {
	/** Only entries below this index: what is not published yet is not found. */
	readonly before: number;
	/** At most so many, the newest. */
	readonly limit: number;
}

export interface FoundEntry {
	readonly index: number;
	readonly leafHash: Hash;
}

export interface FoundEntries {
	/** Newest first. */
	readonly entries: readonly FoundEntry[];
	/** There may be more entries below this index; undefined: there are none. */
	readonly nextBefore: number | undefined;
}

/**
 * How many entries of one key a search for several looks through. Two keys with a million entries each and none in common
 * would otherwise be read whole before the answer is that there is nothing.
 */
export const MAX_EXAMINED_ENTRIES = 10_000;

interface FoundRow {
	readonly index: number;
	readonly leaf_hash: Uint8Array;
}

/**
 * The entries that carry at least one of the keys. The limit holds inside for each key, so that an identity with millions
 * of entries costs one walk along the end of its index.
 */
export async function findWithAny(
	sql: Sql,
	tables: LogTables,
	keys: readonly SearchKey[],
	range: SearchRange,
): Promise<FoundEntries> {
	const rows = await sql.query<FoundRow>(
		`select found.index, e.leaf_hash
		from (
			select distinct newest.index
			from unnest($2::text[], $3::bytea[]) as wanted(kind, key_hash)
			cross join lateral (${newestOfKey(tables, '$4', '$5')}) newest
			order by newest.index desc
			limit $5
		) found
		${leafHashes(tables)}
		order by found.index desc`,
		[tables.logId, ...columnsOf(keys), range.before, range.limit],
	);
	return { entries: rows.map(foundOf), nextBefore: lastOfFull(rows, range.limit) };
}

/**
 * The entries that carry every one of the (distinct) keys. Walks through the newest entries of one key, the one that is
 * through with the fewest or gets back the furthest, and looks each of them up under the others.
 */
export async function findWithAll(
	sql: Sql,
	tables: LogTables,
	keys: readonly SearchKey[],
	range: SearchRange,
): Promise<FoundEntries> {
	const [walk] = await sql.query<{ n: number; entries: number; lowest: number | null }>(
		`select wanted.n::int as n, newest.entries::int as entries, newest.lowest
		from unnest($2::text[], $3::bytea[]) with ordinality as wanted(kind, key_hash, n)
		cross join lateral (
			select count(*) as entries, min(index) as lowest from (${newestOfKey(tables, '$4', '$5')}) walked
		) newest
		order by newest.entries, newest.lowest limit 1`,
		[tables.logId, ...columnsOf(keys), range.before, MAX_EXAMINED_ENTRIES],
	);
	if (!walk || walk.entries === 0) return { entries: [], nextBefore: undefined };
	const walked = keys[walk.n - 1]!;
	const others = keys.filter((key) => key !== walked);
	const rows = await sql.query<FoundRow>(
		`select found.index, e.leaf_hash
		from (
			select walked.index
			from ${tables.schema}.tlog_search_keys walked
			cross join lateral (
				select count(*) as keys
				from unnest($2::text[], $3::bytea[]) as other(kind, key_hash)
				cross join lateral (
					select from ${tables.schema}.tlog_search_keys k
					where k.log_id = $1 and k.kind = other.kind and k.key_hash = other.key_hash and k.index = walked.index
					limit 1
				) carried
			) others
			where walked.log_id = $1 and walked.kind = $4 and walked.key_hash = $5
				and walked.index < $6 and walked.index >= $7 and others.keys = cardinality($2::text[])
			order by walked.index desc
			limit $8
		) found
		${leafHashes(tables)}
		order by found.index desc`,
		[tables.logId, ...columnsOf(others), walked.kind, walked.hash, range.before, walk.lowest, range.limit],
	);
	const isWalkedThrough = walk.entries < MAX_EXAMINED_ENTRIES;
	const nextBefore = lastOfFull(rows, range.limit) ?? (isWalkedThrough ? undefined : (walk.lowest ?? undefined));
	return { entries: rows.map(foundOf), nextBefore };
}

/** The newest entries of the key `wanted`, found at the end of its index. Parameters by their names in the statement. */
function newestOfKey({ schema }: LogTables, before: '$4', limit: '$5'): string {
	return `select k.index
		from ${schema}.tlog_search_keys k
		where k.log_id = $1 and k.kind = wanted.kind and k.key_hash = wanted.key_hash and k.index < ${before}
		order by k.index desc
		limit ${limit}`;
}

/** One lookup per entry that was found: the lateral with its limit keeps the planner from scanning all entries. */
function leafHashes({ schema }: LogTables): string {
	return `cross join lateral (
			select e.leaf_hash from ${schema}.tlog_entries e where e.log_id = $1 and e.index = found.index limit 1
		) e`;
}

function columnsOf(keys: readonly SearchKey[]): [kinds: string[], hashes: Uint8Array[]] {
	return [keys.map((key) => key.kind), keys.map((key) => key.hash)];
}

function foundOf(row: FoundRow): FoundEntry {
	return { index: row.index, leafHash: plainBytes(row.leaf_hash) };
}

function lastOfFull(rows: readonly FoundRow[], limit: number): number | undefined {
	return rows.length === limit ? rows.at(-1)?.index : undefined;
}
