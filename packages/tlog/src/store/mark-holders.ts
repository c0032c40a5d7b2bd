/** Which mark store belongs to a log, and the record of the times an operator overruled a mark. */

import type { Mark } from '@chancery/postgres/mark/mark';
import type { Sql } from '@chancery/postgres/sql';
import type { Head } from './heads.ts';
import type { LogTables } from './log-tables.ts';

/** Writes the holder when the log has none; returns the one it has now. */
export async function claimMark(sql: Sql, tables: LogTables, holder: string): Promise<string | undefined> {
	await sql.query(
		`insert into ${tables.schema}.tlog_mark_holders (log_id, holder) values ($1, $2) on conflict (log_id) do nothing`,
		[tables.logId, holder],
	);
	const [row] = await sql.query<{ holder: string }>(
		`select holder from ${tables.schema}.tlog_mark_holders where log_id = $1`,
		[tables.logId],
	);
	return row?.holder;
}

/** Gives the log to another mark store. */
export async function reassignMark(sql: Sql, tables: LogTables, holder: string): Promise<void> {
	await sql.query(
		`insert into ${tables.schema}.tlog_mark_holders (log_id, holder) values ($1, $2)
		on conflict (log_id) do update set holder = excluded.holder`,
		[tables.logId, holder],
	);
}

export async function insertAdoption(
	sql: Sql,
	tables: LogTables,
	adoption: { previous: Mark | undefined; head: Pick<Head, 'size' | 'root'>; reason: string },
): Promise<void> {
	const { previous, head, reason } = adoption;
	await sql.query(
		`insert into ${tables.schema}.tlog_adoptions
			(log_id, adopted_at, reason, previous_size, previous_root, size, root)
		values ($1, clock_timestamp(), $2, $3, $4, $5, $6)`,
		[tables.logId, reason, previous?.size ?? null, previous?.root ?? null, head.size, head.root],
	);
}
