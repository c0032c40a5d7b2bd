/**
 * Migrations as a script for an administrator who reviews what runs in the database: plain SQL, in one transaction, with the
 * rows of the ledger, so that the services accept what it made.
 */
import { ledgerTable, type PendingMigrations } from './migrate.ts';
import type { Sql } from './sql.ts';

/**
 * The statements that bring the schemas to what is expected, made for the database that `sql` is connected to. They make
 * everything in the name of the role that asks: services add partitions at run time, and only the owner of a table may.
 *
 * A script that fails, or is run twice, changes nothing: all is one transaction, and a row of the ledger is written once.
 */
export async function migrationScript(sql: Sql, pending: readonly PendingMigrations[]): Promise<string> {
	const lacking = pending.filter(({ missing }) => missing.length > 0);
	if (lacking.length === 0) return '-- The database has all migrations that this version needs.\n';
	const [row] = await sql.query<{ role: string }>('select quote_ident(current_user) as role');
	if (!row) throw new Error('the database does not say who is connected');
	const { role } = row;
	const schemas = [...new Set(lacking.map(({ schema }) => schema))];
	return `${[
		`-- Brings ${schemas.join(', ')} to what this version of chancery needs. Run as a role that may become ${role}:`,
		'--   psql -v ON_ERROR_STOP=1 -f FILE DATABASE',
		'begin;',
		"set local client_encoding to 'UTF8';",
		'set local standard_conforming_strings to on;',
		...schemas.map((schema) => `create schema if not exists ${schema} authorization ${role};`),
		'-- The services make partitions at run time: their role owns what is made here.',
		`set local role ${role};`,
		...schemas.map((schema) => `${ledgerTable(schema)};`),
		...lacking.flatMap(statementsOf),
		'commit;',
	].join('\n')}\n`;
}

/** The names have been checked: see `MigrationSource` and the pattern of file names. */
function statementsOf({ schema, component, missing }: PendingMigrations): string[] {
	return missing.flatMap(({ id, name, sha256, sql }) => [
		`\n-- ${component}: ${name}`,
		`insert into ${schema}.migrations (component, id, name, sha256, applied_at)`,
		`values ('${component}', ${id}, '${name}', decode('${sha256}', 'hex'), clock_timestamp());`,
		// A file may end with a comment, or without a semicolon.
		`${sql.trimEnd()}\n;`,
	]);
}
