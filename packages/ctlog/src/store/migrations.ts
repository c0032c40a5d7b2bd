/** The schema `ctlog`: the tables of the log engine and those of this service. */
import { type MigrationReport, type MigrationSource, migrateAll } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';
import { tlogMigrations } from '@chancery/tlog/migrate';

export const SCHEMA = 'ctlog';

export const MIGRATIONS: readonly MigrationSource[] = [
	tlogMigrations(SCHEMA),
	{ schema: SCHEMA, component: 'ctlog', directory: new URL('../../migrations/', import.meta.url) },
];

/** Brings the schema up to date. Safe when several start at once. @throws {MigrationError} */
export function migrateSchema(database: Database): Promise<MigrationReport[]> {
	return migrateAll(database, MIGRATIONS);
}
