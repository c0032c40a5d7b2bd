/** Search keys: exact by hash, or by prefix of the text. Newest entries first, nothing at or beyond `size`. */
import { concatBytes, utf8 } from '@chancery/core/bytes';
import { HASH_LENGTH } from '@chancery/core/merkle';
import type { Sql } from '@chancery/postgres/sql';
import type { SearchKey } from '../search-key.ts';
import type { LogTables } from './log-tables.ts';
import { packBytes } from './packed-rows.ts';

export interface SearchKeyInsert extends SearchKey {
	readonly index: number;
}

/**
 * Stores keys; a key that an entry names twice is stored once. The texts travel as bytes and become text on the server,
 * which refuses NUL and broken UTF-8 (class 22).
 */
export async function insertSearchKeys(sql: Sql, tables: LogTables, keys: readonly SearchKeyInsert[]): Promise<void> {
	if (keys.length === 0) return;
	const texts = packBytes(keys.map((key) => (key.text === undefined ? null : utf8(key.text))));
	await sql.query(
		`insert into ${tables.schema}.tlog_search_keys (log_id, index, kind, key_hash, prefix_text)
		select $1, index, kind, substr($2::bytea, (n::int - 1) * ${HASH_LENGTH} + 1, ${HASH_LENGTH}),
			case when length >= 0 then convert_from(substr($3::bytea, start, length), 'UTF8') end
		from unnest($4::bigint[], $5::text[], $6::int[], $7::int[]) with ordinality as r(index, kind, start, length, n)
		on conflict do nothing`,
		[
			tables.logId,
			concatBytes(...keys.map((key) => key.hash)),
			texts.bytes,
			keys.map((key) => key.index),
			keys.map((key) => key.kind),
			texts.starts,
			texts.lengths,
		],
	);
}

/** Indexes of entries with this key, newest first, below `before`. */
export async function findKey(
	sql: Sql,
	tables: LogTables,
	query: { kind: string; hash: Uint8Array; before: number; limit: number },
): Promise<number[]> {
	const rows = await sql.query<{ index: number }>(
		`select index from ${tables.schema}.tlog_search_keys
		where log_id = $1 and kind = $2 and key_hash = $3 and index < $4
		order by index desc limit $5`,
		[tables.logId, query.kind, query.hash, query.before, query.limit],
	);
	return rows.map((row) => row.index);
}

/** The index has the texts in their own order, so that the newest are found among all that begin alike. */
const MAX_PREFIXED_TEXTS = 10_000;

/**
 * Indexes of entries with a text of this beginning, newest first, below `before`. Undefined when more than 10,000 texts
 * begin so: no more are read.
 */
export async function findPrefix(
	sql: Sql,
	tables: LogTables,
	query: { kind: string; prefix: string; before: number; limit: number },
): Promise<number[] | undefined> {
	// In the C collation a prefix is a range: everything from it up to its successor. U+10FFFF is the largest character.
	const [row] = await sql.query<{ texts: number; newest: number[] | null }>(
		`with found as materialized (
			select index from ${tables.schema}.tlog_search_keys
			where log_id = $1 and kind = $2 and prefix_text >= $3 collate "C" and prefix_text < $4 collate "C" and index < $5
			limit ${MAX_PREFIXED_TEXTS + 1}
		)
		select (select count(*) from found)::int as texts, array(
			select distinct index from found order by index desc limit $6
		) as newest`,
		[tables.logId, query.kind, query.prefix, `${query.prefix}\u{10FFFF}`, query.before, query.limit],
	);
	return row!.texts > MAX_PREFIXED_TEXTS ? undefined : (row!.newest ?? []);
}
