/**
 * What tests of other packages do to a log behind its back, or need to know to meet it at the right moment: they name no
 * table of the engine themselves. Each is what only the owner of the database can do.
 */
import { EMPTY_ROOT } from '@chancery/core/merkle';
import { schemaName } from '@chancery/postgres/schema-name';
import type { Sql } from '@chancery/postgres/sql';

/** A backup of before: the heads of all logs of the schema as they were when the logs were empty. */
export async function emptyHeads(sql: Sql, schema: string): Promise<void> {
	const name = schemaName(schema);
	for (const table of ['tlog_heads', 'tlog_published'])
		await sql.query(`alter table ${name}.${table} disable trigger user`);
	await sql.query(`update ${name}.tlog_heads set size = 0, root = $1`, [EMPTY_ROOT]);
	await sql.query(`delete from ${name}.tlog_published`);
}

/** Holds the heads of all logs of the schema until the transaction ends. */
export async function lockHeads(transaction: Sql, schema: string): Promise<void> {
	await transaction.query(`select size from ${schemaName(schema)}.tlog_heads for update`);
}

/** The heads of all logs of the schema carry another time from now on. */
export async function shiftHeadTime(sql: Sql, schema: string, byMs: number): Promise<void> {
	await sql.query(`update ${schemaName(schema)}.tlog_heads set timestamp_ms = timestamp_ms + $1`, [byMs]);
}

/** Makes COMMIT work for so long before it writes its record, wherever a head has moved. Dropping the function ends it. */
export async function slowCommits(
	sql: Sql,
	schema: string,
	{ functionName, seconds }: { readonly functionName: string; readonly seconds: number },
): Promise<void> {
	const name = schemaName(schema);
	await sql.query(`
		create function ${name}.${functionName}() returns trigger language plpgsql
			as 'begin perform pg_sleep(${seconds}); return null; end';
		create constraint trigger ${functionName} after update on ${name}.tlog_heads
			deferrable initially deferred for each row execute function ${name}.${functionName}()`);
}

/** Matches a statement that only a batch contains, and captures which of the schemas (`a|b`) it is in. */
export function batchStatement(schemas: string): RegExp {
	return new RegExp(`insert into (${schemas})\\.tlog_entries`);
}

/** As `batchStatement`, for the transaction of a publication. */
export function publicationStatement(schemas: string): RegExp {
	return new RegExp(`(?:update|insert into) (${schemas})\\.tlog_published`);
}
