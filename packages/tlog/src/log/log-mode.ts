/**
 * Development or production: written into the row of each log when it is created, and never changed. A production
 * process opens a log that is marked as development only when that was allowed; a development process never opens one
 * of production.
 */
import { schemaName } from '@chancery/postgres/schema-name';
import type { Sql } from '@chancery/postgres/sql';
import type { LogIdentity } from '../log-identity.ts';
import { readDevelopmentLogs } from '../store/log-rows.ts';

export type LogMode = LogIdentity['mode'];

/** The logs of a schema that are marked as development. */
export function developmentLogs(sql: Sql, schema: string): Promise<string[]> {
	return readDevelopmentLogs(sql, schemaName(schema));
}

/** The mark that a process expects in its rows, once everything that it may not open has been refused. */
export async function expectedMode(sql: Sql, schema: string, profile: LogMode): Promise<LogMode> {
	return (await developmentLogs(sql, schema)).length > 0 ? 'development' : profile;
}
