/**
 * Development or production: written into the row of each log when it is created, and never changed. A production
 * process opens a log that is marked as development only when that was allowed; a development process never opens one
 * of production.
 */
import { schemaName } from '@chancery/postgres/schema-name';
import type { Sql } from '@chancery/postgres/sql';
import type { LogIdentity } from '../log-identity.ts';

export type LogMode = LogIdentity['mode'];

/** The logs of a schema that are marked as development. */
export async function developmentLogs(sql: Sql, schema: string): Promise<string[]> {
	const rows = await sql.query<{ log_id: string }>(
		`select log_id from ${schemaName(schema)}.tlog_logs where mode = 'development' order by log_id`,
	);
	return rows.map(({ log_id }) => log_id);
}

/** The mark that a process expects in its rows, once everything that it may not open has been refused. */
export async function expectedMode(sql: Sql, schema: string, profile: LogMode): Promise<LogMode> {
	return (await developmentLogs(sql, schema)).length > 0 ? 'development' : profile;
}
