/**
 * Reads the engine's search table (`tlog_search_keys`): which entries carry which keys. Only what is published is
 * answered, so that every answer is complete up to a checkpoint.
 */
import type { Sql } from '@chancery/postgres/sql';
import type { SearchKey } from '@chancery/tlog/search-key';

/** The database schema of this service. */
export const SCHEMA = 'log';

export interface SearchRange {
	/** Name of the log in the engine's tables. */
	readonly logId: string;
	/** Only entries below this index: what is not published yet is not found. */
	readonly before: number;
	/** At most so many, the newest. */
	readonly limit: number;
}

export interface FoundEntries {
	/** Newest first. */
	readonly leafHashes: readonly Uint8Array[];
	/** There may be more entries below this index; undefined: there are none. */
	readonly nextBefore: number | undefined;
}

/**
 * How many entries of one key a search for several looks through. Two keys with a million entries each and none in common
 * would otherwise be read whole before the answer is that there is nothing.
 */
export const MAX_EXAMINED_ENTRIES = 10_000;

/** One lookup per entry that was found: the lateral with its limit keeps the planner from scanning all entries. */
const LEAF_HASHES = `cross join lateral (
			select e.leaf_hash from ${SCHEMA}.tlog_entries e where e.log_id = $1 and e.index = found.index limit 1
		) e`;

interface FoundRow {
	readonly index: number;
	readonly leaf_hash: Uint8Array;
}

/**
 * The entries that carry at least one of the keys. The limit holds inside for each key, so that an identity with millions
 * of entries costs one walk along the end of its index.
 */
export async function findWithAny(sql: Sql, keys: readonly SearchKey[], range: SearchRange): Promise<FoundEntries> {
	const rows = await sql.query<FoundRow>(
		`select found.index, e.leaf_hash
		from (
			select distinct newest.index
			from unnest($2::text[], $3::bytea[]) as wanted(kind, key_hash)
			cross join lateral (${newestOfKey('$4', '$5')}) newest
			order by newest.index desc
			limit $5
		) found
		${LEAF_HASHES}
		order by found.index desc`,
		[range.logId, ...columnsOf(keys), range.before, range.limit],
	);
	return { ...pageOf(rows), nextBefore: lastOfFull(rows, range.limit) };
}

/**
 * The entries that carry every one of the (distinct) keys. Walks through the newest entries of one key, the one that is
 * through with the fewest or gets back the furthest, and looks each of them up under the others.
 */
export async function findWithAll(sql: Sql, keys: readonly SearchKey[], range: SearchRange): Promise<FoundEntries> {
	const [walk] = await sql.query<{ n: number; entries: number; lowest: number | null }>(
		`select wanted.n::int as n, newest.entries::int as entries, newest.lowest
		from unnest($2::text[], $3::bytea[]) with ordinality as wanted(kind, key_hash, n)
		cross join lateral (
			select count(*) as entries, min(index) as lowest from (${newestOfKey('$4', '$5')}) walked
		) newest
		order by newest.entries, newest.lowest limit 1`,
		[range.logId, ...columnsOf(keys), range.before, MAX_EXAMINED_ENTRIES],
	);
	if (!walk || walk.entries === 0) return { leafHashes: [], nextBefore: undefined };
	const walked = keys[walk.n - 1]!;
	const others = keys.filter((key) => key !== walked);
	const rows = await sql.query<FoundRow>(
		`select found.index, e.leaf_hash
		from (
			select walked.index
			from ${SCHEMA}.tlog_search_keys walked
			cross join lateral (
				select count(*) as keys
				from unnest($2::text[], $3::bytea[]) as other(kind, key_hash)
				cross join lateral (
					select from ${SCHEMA}.tlog_search_keys k
					where k.log_id = $1 and k.kind = other.kind and k.key_hash = other.key_hash and k.index = walked.index
					limit 1
				) carried
			) others
			where walked.log_id = $1 and walked.kind = $4 and walked.key_hash = $5
				and walked.index < $6 and walked.index >= $7 and others.keys = cardinality($2::text[])
			order by walked.index desc
			limit $8
		) found
		${LEAF_HASHES}
		order by found.index desc`,
		[range.logId, ...columnsOf(others), walked.kind, walked.hash, range.before, walk.lowest, range.limit],
	);
	const isWalkedThrough = walk.entries < MAX_EXAMINED_ENTRIES;
	const nextBefore = lastOfFull(rows, range.limit) ?? (isWalkedThrough ? undefined : (walk.lowest ?? undefined));
	return { ...pageOf(rows), nextBefore };
}

/** The newest entries of the key `wanted`, found at the end of its index. Parameters by their names in the statement. */
function newestOfKey(before: '$4', limit: '$5'): string {
	return `select k.index
		from ${SCHEMA}.tlog_search_keys k
		where k.log_id = $1 and k.kind = wanted.kind and k.key_hash = wanted.key_hash and k.index < ${before}
		order by k.index desc
		limit ${limit}`;
}

function columnsOf(keys: readonly SearchKey[]): [kinds: string[], hashes: Uint8Array[]] {
	return [keys.map((key) => key.kind), keys.map((key) => key.hash)];
}

function pageOf(rows: readonly FoundRow[]): Pick<FoundEntries, 'leafHashes'> {
	return { leafHashes: rows.map((row) => row.leaf_hash) };
}

function lastOfFull(rows: readonly FoundRow[], limit: number): number | undefined {
	return rows.length === limit ? rows.at(-1)?.index : undefined;
}
