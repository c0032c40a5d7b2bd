/**
 * The tables of this service are those of the log engine; it has none of its own.
 */
import { type MigrationReport, type MigrationSource, migrateAll } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';
import { tlogMigrations } from '@chancery/tlog/migrate';

/** The database schema of this service. */
export const SCHEMA = 'log';

export const MIGRATIONS: readonly MigrationSource[] = [tlogMigrations(SCHEMA)];

/** Brings the schema `log` to its present form; safe when several processes start at once. @throws {MigrationError} */
export function migrateSchema(database: Database): Promise<MigrationReport[]> {
	return migrateAll(database, MIGRATIONS);
}
