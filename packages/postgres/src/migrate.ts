/**
 * Brings a schema to the state that this version of the program expects. Migrations are numbered SQL files, forward only,
 * each in a transaction of its own that first inserts its row into the ledger. When several programs start at the same time,
 * that row lets one continue; the others wait, and then skip the file. No other lock is needed.
 *
 * The statements run under the timeouts of the given pool. A migration that rewrites a big table needs a pool opened
 * with longer ones.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { ChanceryError } from '@chancery/core/chancery-error';
import { CommitUnknownError, isRetryable, sqlState } from './pg-errors.ts';
import { type SchemaName, schemaName } from './schema-name.ts';
import type { Database, Sql } from './sql.ts';

export interface MigrationSource {
	/** Schema to migrate; made when missing. */
	readonly schema: string;
	/** The component whose numbering this is: several components may have tables in one schema. */
	readonly component: string;
	/** Folder of `NNNN_name.sql`, numbered from 0001 without gaps. `${schema}` in them is replaced by the schema's name. */
	readonly directory: URL;
}

export interface MigrationReport {
	readonly schema: string;
	readonly component: string;
	/** File names that this call applied, in order; empty when nothing was missing. */
	readonly applied: readonly string[];
	/** Number of the last migration that the schema now has; 0 for none. */
	readonly version: number;
}

/** The schema cannot be brought to the expected state; nothing was changed by the file that failed. */
export class MigrationError extends ChanceryError<
	'bad-folder' | 'changed' | 'unknown-newer' | 'gap' | 'missing' | 'failed'
> {}

export interface Migration {
	readonly id: number;
	readonly name: string;
	readonly sql: string;
	/** SHA-256 of the file, lower-case hex. */
	readonly sha256: string;
}

/** Placeholder for the name of the schema in a migration file. */
const PLACEHOLDER = `\${schema}`;

/** How often a step is repeated when others migrate at the same time, or when an answer was lost. */
const MAX_ATTEMPTS = 20;

/**
 * Applies what is missing and checks what is there.
 * @throws {MigrationError} when a file was changed after it was applied, the ledger holds a migration that this program
 * does not know, or a file fails (with the server's error as cause).
 */
export async function migrate(database: Database, source: MigrationSource): Promise<MigrationReport> {
	const schema = schemaName(source.schema);
	const { component } = source;
	if (!/^[a-z][a-z0-9_-]{0,47}$/.test(component)) throw new TypeError(`'${component}' is no name of a component`);
	const migrations = await readMigrations(source.directory);
	await repeat(() => createLedger(database, schema));
	checkLedger(schema, component, migrations, await readLedger(database, schema, component));

	const applied: string[] = [];
	for (const migration of migrations) {
		const isMine = await repeat(() => applyOne(database, schema, component, migration));
		if (isMine) applied.push(migration.name);
	}
	// Another program, older or newer than this one, may have migrated in the meantime.
	checkLedger(schema, component, migrations, await readLedger(database, schema, component));
	return { schema, component, applied, version: migrations.length };
}

/** The migrations of one service, in order: later components may refer to tables of earlier ones. */
export async function migrateAll(database: Database, sources: readonly MigrationSource[]): Promise<MigrationReport[]> {
	const reports: MigrationReport[] = [];
	for (const source of sources) reports.push(await migrate(database, source));
	return reports;
}

/** What a schema lacks. */
export interface PendingMigrations {
	readonly schema: SchemaName;
	readonly component: string;
	/** How many it has, and how many this program expects. */
	readonly version: number;
	readonly expected: number;
	/** In order; the statements name the schema already. */
	readonly missing: readonly Migration[];
}

/**
 * Compares the ledger of the schema with what this program expects. Changes nothing.
 * @throws {MigrationError} as `migrate`; whatever the database throws
 */
export async function pendingMigrations(sql: Sql, source: MigrationSource): Promise<PendingMigrations> {
	const schema = schemaName(source.schema);
	const { component } = source;
	const migrations = await readMigrations(source.directory);
	const ledger = await readLedger(sql, schema, component).catch((error: unknown): LedgerRow[] => {
		if (NO_SUCH_TABLE.has(sqlState(error) ?? '')) return [];
		throw error;
	});
	checkLedger(schema, component, migrations, ledger);
	return {
		schema,
		component,
		version: ledger.length,
		expected: migrations.length,
		missing: migrations
			.slice(ledger.length)
			.map((migration) => ({ ...migration, sql: migration.sql.replaceAll(PLACEHOLDER, schema) })),
	};
}

/**
 * Checks that the schema has exactly the migrations that this program expects. Changes nothing.
 * @throws {MigrationError} `missing` when migrations have still to be applied, or as `migrate`; whatever the database throws
 */
export async function checkMigrations(sql: Sql, source: MigrationSource): Promise<void> {
	const { schema, component, version, expected } = await pendingMigrations(sql, source);
	if (version < expected)
		throw new MigrationError(
			'missing',
			`schema ${schema} has ${version} of the ${expected} migrations of ${component} that this version needs`,
		);
}

/** Neither the table nor the schema is there. */
const NO_SUCH_TABLE = new Set(['42P01', '3F000']);

/** True when this call applied it, false when it was applied already. */
async function applyOne(
	database: Database,
	schema: SchemaName,
	component: string,
	{ id, name, sql, sha256 }: Migration,
): Promise<boolean> {
	return database.transaction(async (transaction) => {
		// A concurrent migrator's row makes this statement wait for its transaction to end, one way or the other.
		const inserted = await transaction.query(
			`insert into ${schema}.migrations (component, id, name, sha256, applied_at)
			values ($1, $2, $3, decode($4, 'hex'), clock_timestamp())
			on conflict (component, id) do nothing returning id`,
			[component, id, name, sha256],
		);
		if (inserted.length === 0) return false;
		try {
			await transaction.query(sql.replaceAll(PLACEHOLDER, schema));
		} catch (error) {
			// Not a fault of the file: the step is repeated.
			if (isPassing(error)) throw error;
			throw new MigrationError('failed', `migration ${name} of ${component} failed in schema ${schema}: ${error}`, {
				cause: error,
			});
		}
		return true;
	});
}

async function createLedger(database: Database, schema: SchemaName): Promise<void> {
	// Asked first: `if not exists` wants the right to make schemas all the same, and an administrator may have kept that.
	const [found] = await database.query<{ is_there: boolean }>(
		`select to_regclass('${schema}.migrations') is not null as is_there`,
	);
	if (found?.is_there) return;
	await database.query(`create schema if not exists ${schema}`);
	await database.query(ledgerTable(schema));
}

/** The statement that makes the ledger of a schema where there is none. */
export function ledgerTable(schema: SchemaName): string {
	return `create table if not exists ${schema}.migrations (
			component text not null,
			id integer not null,
			name text not null,
			sha256 bytea not null,
			applied_at timestamptz not null,
			primary key (component, id)
		)`;
}

interface LedgerRow {
	readonly id: number;
	readonly name: string;
	readonly sha256: string;
}

async function readLedger(sql: Sql, schema: SchemaName, component: string): Promise<LedgerRow[]> {
	return sql.query<LedgerRow>(
		`select id, name, encode(sha256, 'hex') as sha256 from ${schema}.migrations where component = $1 order by id`,
		[component],
	);
}

/** The ledger must be a prefix of the program's migrations. */
function checkLedger(
	schema: SchemaName,
	component: string,
	known: readonly Migration[],
	ledger: readonly LedgerRow[],
): void {
	for (const [position, row] of ledger.entries()) {
		const what = `schema ${schema} has migration ${row.name} of ${component}`;
		if (row.id > known.length)
			throw new MigrationError(
				'unknown-newer',
				`${what}, and this program knows only ${known.length}: it is older than the schema. Start the newer program`,
			);
		if (row.id !== position + 1)
			throw new MigrationError('gap', `${what}, but not number ${position + 1} before it: restore the ledger`);
		const file = known[position];
		if (file?.sha256 !== row.sha256)
			throw new MigrationError(
				'changed',
				`${what} with SHA-256 ${row.sha256}, and the file ${file?.name} now has ${file?.sha256}: an applied migration is never edited`,
			);
	}
}

async function readMigrations(directory: URL): Promise<Migration[]> {
	const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
	const migrations: Migration[] = [];
	for (const [position, name] of names.entries()) {
		const id = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1]);
		if (id !== position + 1)
			throw new MigrationError(
				'bad-folder',
				`${name} is not migration ${String(position + 1).padStart(4, '0')}: files are NNNN_name.sql, numbered from 0001 without gaps`,
			);
		const bytes = await readFile(new URL(name, `${directory.href.replace(/\/?$/, '/')}`));
		const sha256 = createHash('sha256').update(bytes).digest('hex');
		migrations.push({ id, name: name.slice(0, -'.sql'.length), sql: bytes.toString('utf8'), sha256 });
	}
	return migrations;
}

/** Repeats after failures that are caused by others at the same time, or whose outcome is unknown. */
async function repeat<T>(step: () => Promise<T>): Promise<T> {
	for (let attempt = 1; ; attempt++) {
		try {
			return await step();
		} catch (error) {
			if (attempt === MAX_ATTEMPTS || !(isPassing(error) || isRaceToCreate(error))) throw error;
			await new Promise((resolve) => setTimeout(resolve, attempt * 10));
		}
	}
}

/** After a lost answer to COMMIT the ledger row tells whether the migration is in. 55P03: others hold the lock. */
function isPassing(error: unknown): boolean {
	return error instanceof CommitUnknownError || isRetryable(error) || sqlState(error) === '55P03';
}

/** Two `create ... if not exists` at the same time may both try, and one fails with these errors. */
function isRaceToCreate(error: unknown): boolean {
	return ['23505', '42P06', '42P07', '42710'].includes(sqlState(error) ?? '');
}
