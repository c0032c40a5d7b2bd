/** A few reads of what is stored, published or not, for tests and measurements that judge a log by its rows. */
import { schemaName } from '@chancery/postgres/schema-name';
import type { Sql } from '@chancery/postgres/sql';
import type { Publication, StoredEntry } from '../entry.ts';
import { countEntries, readEntryRange } from '../store/entries.ts';
import { logTables } from '../store/log-tables.ts';
import { readState } from '../store/publications.ts';

/** Entries of all logs of a schema. */
export function countStoredEntries(sql: Sql, schema: string): Promise<number> {
	return countEntries(sql, schemaName(schema));
}

/** All entries of a log in order, in memory at once: for small logs. */
export function readStoredEntries(sql: Sql, schema: string, logId: string): Promise<StoredEntry[]> {
	return readEntryRange(sql, logTables(schema, logId), 0, Number.MAX_SAFE_INTEGER);
}

/** The published head of a log, compared with nothing; undefined before the first. */
export async function readStoredPublication(sql: Sql, schema: string, logId: string): Promise<Publication | undefined> {
	return (await readState(sql, logTables(schema, logId)))?.published;
}
