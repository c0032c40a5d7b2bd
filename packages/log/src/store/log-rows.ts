/**
 * Reads the engine's row of a log (`tlog_logs`).
 */
import type { Sql } from '@chancery/postgres/sql';
import { SCHEMA } from './search.ts';

/** When the log was created; undefined when it has not been. */
export async function readCreationTime(sql: Sql, logId: string): Promise<Date | undefined> {
	const [row] = await sql.query<{ created_at: Date }>(`select created_at from ${SCHEMA}.tlog_logs where log_id = $1`, [
		logId,
	]);
	return row?.created_at;
}
