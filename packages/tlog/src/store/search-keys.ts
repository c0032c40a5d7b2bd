/** Inserts search keys; `search.ts` finds by them. Texts are stored beside them and not searched yet. */
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
