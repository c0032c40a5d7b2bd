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
	/** Entries from this index on are not published yet. */
	readonly publishedSize: number;
	/** At most so many, the newest. */
	readonly limit: number;
}

interface FoundRow {
	readonly leaf_hash: Uint8Array;
}

/**
 * Leaf hashes of the entries that carry at least one of the keys, newest first. The limit holds inside for each key, so
 * that an identity with millions of entries costs one walk along the end of its index.
 */
export async function findWithAny(sql: Sql, keys: readonly SearchKey[], range: SearchRange): Promise<Uint8Array[]> {
	const rows = await sql.query<FoundRow>(
		`select e.leaf_hash
		from (
			select distinct newest.index
			from unnest($2::text[], $3::bytea[]) as wanted(kind, key_hash)
			cross join lateral (
				select k.index
				from ${SCHEMA}.tlog_search_keys k
				where k.log_id = $1 and k.kind = wanted.kind and k.key_hash = wanted.key_hash and k.index < $4
				order by k.index desc
				limit $5
			) newest
		) found
		join ${SCHEMA}.tlog_entries e on e.log_id = $1 and e.index = found.index
		order by found.index desc
		limit $5`,
		parameters(keys, range),
	);
	return rows.map((row) => row.leaf_hash);
}

/** Leaf hashes of the entries that carry every one of the (distinct) keys, newest first. */
export async function findWithAll(sql: Sql, keys: readonly SearchKey[], range: SearchRange): Promise<Uint8Array[]> {
	const rows = await sql.query<FoundRow>(
		`select e.leaf_hash
		from (
			select k.index
			from unnest($2::text[], $3::bytea[]) as wanted(kind, key_hash)
			join ${SCHEMA}.tlog_search_keys k
				on k.log_id = $1 and k.kind = wanted.kind and k.key_hash = wanted.key_hash and k.index < $4
			group by k.index
			having count(*) = cardinality($2::text[])
			order by k.index desc
			limit $5
		) found
		join ${SCHEMA}.tlog_entries e on e.log_id = $1 and e.index = found.index
		order by found.index desc`,
		parameters(keys, range),
	);
	return rows.map((row) => row.leaf_hash);
}

function parameters(keys: readonly SearchKey[], range: SearchRange) {
	return [range.logId, keys.map((key) => key.kind), keys.map((key) => key.hash), range.publishedSize, range.limit];
}
