/** The stored tree as it lies in the tables, for whoever recomputes it: nothing is joined, derived or left out. */
import { concatBytes } from '@chancery/core/bytes';
import type { Hash } from '@chancery/core/merkle';
import type { Sql } from '@chancery/postgres/sql';
import type { LogTables } from './log-tables.ts';
import { plainBytes } from './packed-rows.ts';

export interface TileRow {
	readonly root: Hash;
	readonly hashes: Uint8Array;
}

export async function readTileRow(
	sql: Sql,
	tables: LogTables,
	level: number,
	index: number,
): Promise<TileRow | undefined> {
	const [row] = await sql.query<{ root: Uint8Array; hashes: Uint8Array }>(
		`select root, hashes from ${tables.schema}.tlog_tiles where log_id = $1 and level = $2 and index = $3`,
		[tables.logId, level, index],
	);
	return row && { root: plainBytes(row.root), hashes: plainBytes(row.hashes) };
}

/** Roots of the full tiles [begin, end) of a level, one after the other; undefined when one is not there. */
export async function readTileRoots(
	sql: Sql,
	tables: LogTables,
	range: { readonly level: number; readonly begin: number; readonly end: number },
): Promise<Uint8Array | undefined> {
	const rows = await sql.query<{ root: Uint8Array }>(
		`select root from ${tables.schema}.tlog_tiles
		where log_id = $1 and level = $2 and index >= $3 and index < $4 order by index`,
		[tables.logId, range.level, range.begin, range.end],
	);
	return rows.length === range.end - range.begin ? concatBytes(...rows.map((row) => row.root)) : undefined;
}

/** The first entry and the first tile that lie beyond the integrated head, and the first receipt beyond the published one. */
export async function readBeyondHeads(
	sql: Sql,
	tables: LogTables,
): Promise<{ entry: number | null; tile: string | null; receipt: number | null }> {
	const { schema } = tables;
	// One statement, hence one moment: a log that is being written to has new rows and a new head at the same time.
	const [row] = await sql.query<{ entry: number | null; tile: string | null; receipt: number | null }>(
		`select
			(select min(e.index) from ${schema}.tlog_entries e where e.log_id = h.log_id and e.index >= h.size) as entry,
			(select t.level || '/' || t.index from ${schema}.tlog_tiles t
				where t.log_id = h.log_id and (t.index + 1) * (256::numeric ^ (t.level + 1)) > h.size
				order by t.level, t.index limit 1) as tile,
			(select min(r.index) from ${schema}.tlog_receipts r where r.log_id = h.log_id and r.index >= p.size) as receipt
		from ${schema}.tlog_heads h
		left join ${schema}.tlog_published p on p.log_id = h.log_id
		where h.log_id = $1`,
		[tables.logId],
	);
	return row ?? { entry: null, tile: null, receipt: null };
}
