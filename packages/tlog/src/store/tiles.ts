/**
 * Full tiles, and the hashes that partial ones are computed from. A hash at tile level 0 is a leaf hash and stands in
 * the entry; at level L > 0 it is the root of a full tile of level L - 1 and stands beside that tile.
 */
import { concatBytes } from '@chancery/core/bytes';
import { HASH_LENGTH, type Hash } from '@chancery/core/merkle';
import { TILE_WIDTH } from '@chancery/core/tile';
import type { Sql } from '@chancery/postgres/sql';
import { TlogError } from '../tlog-error.ts';
import type { LogTables } from './log-tables.ts';
import { plainBytes } from './packed-rows.ts';

export const TILE_BYTES: number = TILE_WIDTH * HASH_LENGTH;

export interface FullTile {
	readonly level: number;
	readonly index: number;
	/** Root over the 256 hashes. */
	readonly root: Hash;
	readonly hashes: readonly Hash[];
}

/** Hashes [begin, end) of one tile level. */
export interface HashRange {
	readonly level: number;
	readonly begin: number;
	readonly end: number;
}

export async function insertTiles(sql: Sql, tables: LogTables, tiles: readonly FullTile[]): Promise<void> {
	if (tiles.length === 0) return;
	await sql.query(
		`insert into ${tables.schema}.tlog_tiles (log_id, level, index, root, hashes)
		select $1, level, index, substr($2::bytea, (n::int - 1) * ${HASH_LENGTH} + 1, ${HASH_LENGTH}),
			substr($3::bytea, (n::int - 1) * ${TILE_BYTES} + 1, ${TILE_BYTES})
		from unnest($4::int[], $5::bigint[]) with ordinality as r(level, index, n)`,
		[
			tables.logId,
			concatBytes(...tiles.map((tile) => tile.root)),
			concatBytes(...tiles.flatMap((tile) => tile.hashes)),
			tiles.map((tile) => tile.level),
			tiles.map((tile) => tile.index),
		],
	);
}

/** The bytes of full tiles, in any order; tiles that are not stored are missing. */
export async function readTiles(
	sql: Sql,
	tables: LogTables,
	wanted: readonly { level: number; index: number }[],
): Promise<{ level: number; index: number; bytes: Uint8Array }[]> {
	if (wanted.length === 0) return [];
	const rows = await sql.query<{ level: number; index: number; hashes: Uint8Array }>(
		`select t.level, t.index, t.hashes
		from unnest($2::int[], $3::bigint[]) as wanted(level, index)
		join ${tables.schema}.tlog_tiles t on t.log_id = $1 and t.level = wanted.level and t.index = wanted.index`,
		[tables.logId, wanted.map((tile) => tile.level), wanted.map((tile) => tile.index)],
	);
	return rows.map((row) => ({ level: row.level, index: row.index, bytes: plainBytes(row.hashes) }));
}

/**
 * The hashes of each range, in order, all in one statement.
 * @throws {TlogError} `read-only` when one is missing: the tree that the head row speaks of is not there.
 */
export async function readHashRanges(sql: Sql, tables: LogTables, ranges: readonly HashRange[]): Promise<Hash[][]> {
	if (ranges.length === 0) return [];
	const { schema } = tables;
	const rows = await sql.query<{ n: number; index: number; hash: Uint8Array }>(
		`with wanted as (
			select level, first, last, n::int from unnest($2::int[], $3::bigint[], $4::bigint[])
				with ordinality as r(level, first, last, n)
		)
		select wanted.n, e.index, e.leaf_hash as hash
		from wanted join ${schema}.tlog_entries e
			on wanted.level = 0 and e.log_id = $1 and e.index >= wanted.first and e.index < wanted.last
		union all
		select wanted.n, t.index, t.root as hash
		from wanted join ${schema}.tlog_tiles t
			on wanted.level > 0 and t.log_id = $1 and t.level = wanted.level - 1
				and t.index >= wanted.first and t.index < wanted.last
		order by 1, 2`,
		[
			tables.logId,
			ranges.map((range) => range.level),
			ranges.map((range) => range.begin),
			ranges.map((range) => range.end),
		],
	);
	const hashes: Hash[][] = ranges.map(() => []);
	for (const row of rows) hashes[row.n - 1]!.push(plainBytes(row.hash));
	ranges.forEach(({ level, begin, end }, i) => {
		if (hashes[i]!.length !== end - begin)
			throw new TlogError(
				'read-only',
				`the stored tree is damaged: of the hashes ${begin} to ${end} at tile level ${level}, ${hashes[i]!.length} are there`,
			);
	});
	return hashes;
}
