/** What a newer version would leave in the database of a stopped instance, and whether anything wrote to it since. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEmbedded } from '@chancery/postgres/embedded/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import { schemaName } from '@chancery/postgres/schema-name';
import type { Database } from '@chancery/postgres/sql';
import type { Place } from './program.ts';

/** The migrations of one component in one schema. */
export interface Ledger {
	readonly schema: string;
	readonly component: string;
	/** Number of the last one. */
	readonly version: number;
}

/** Starts the database of a stopped instance for `work`, and stops it behind it. */
export async function withDatabase<T>(place: Place, work: (database: Database) => Promise<T>): Promise<T> {
	const server = await startEmbedded({ dataDir: join(place.data, 'postgres') });
	try {
		const database = openDatabase({ url: server.url('chancery'), applicationName: 'upgrade', maxConnections: 1 });
		try {
			return await work(database);
		} finally {
			await database.close();
		}
	} finally {
		await server.stop();
	}
}

/** Every ledger of the instance. */
export async function readLedgers(database: Database): Promise<Ledger[]> {
	const ledgers: Ledger[] = [];
	const tables = await database.query<{ schema: string }>(
		`select table_schema as schema from information_schema.tables where table_name = 'migrations' order by 1`,
	);
	for (const { schema } of tables) {
		const rows = await database.query<{ component: string; version: number }>(
			`select component, max(id) as version from ${schemaName(schema)}.migrations group by component order by component`,
		);
		ledgers.push(...rows.map((row) => ({ schema, ...row })));
	}
	return ledgers;
}

/** Enters the next migration, which no version knows. @returns its name */
export async function enterNewerMigration(database: Database, ledger: Ledger): Promise<string> {
	const { schema, component, version } = ledger;
	const name = `${String(version + 1).padStart(4, '0')}_of_a_newer_version`;
	await database.query(
		`insert into ${schemaName(schema)}.migrations (component, id, name, sha256, applied_at)
		values ($1, $2, $3, sha256(convert_to($3, 'UTF8')), clock_timestamp())`,
		[component, version + 1, name],
	);
	return name;
}

export async function removeNewerMigration(database: Database, ledger: Ledger): Promise<void> {
	const { schema, component, version } = ledger;
	await database.query(`delete from ${schemaName(schema)}.migrations where component = $1 and id = $2`, [
		component,
		version + 1,
	]);
}

/**
 * Everything that an instance must keep, as a value to compare: how many rows were ever inserted, changed and deleted in
 * each table (the server counts attempts that were rolled back, too), its tables and how many columns they have, and the
 * hashes of the record, the keys and the marks.
 */
export async function readKept(place: Place, database: Database): Promise<Record<string, unknown>> {
	// What this connection has done is counted by now, and not in a second.
	await database.query('select pg_stat_force_next_flush()');
	const rows = await database.query(
		`select schemaname || '.' || relname as table, n_tup_ins::int as inserted, n_tup_upd::int as changed,
			n_tup_del::int as deleted
		from pg_stat_user_tables order by 1`,
	);
	const columns = await database.query(
		`select table_schema || '.' || table_name as table, count(*)::int as columns
		from information_schema.columns
		where table_schema not in ('pg_catalog', 'information_schema') group by 1 order by 1`,
	);
	const files = [join(place.data, 'chancery.json')];
	for (const folder of [join(place.data, 'keys'), place.state])
		for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
			if (entry.isFile()) files.push(join(entry.parentPath, entry.name));
	const hashes: Record<string, string> = {};
	for (const file of files.sort())
		hashes[file] = createHash('sha256')
			.update(await readFile(file))
			.digest('hex');
	return { rows, columns, hashes };
}
