/**
 * Brings the engine's tables to their present form in the schema of one service.
 */
import { type MigrationReport, type MigrationSource, migrate } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';

/** The engine's tables in the schema of a service. */
export function tlogMigrations(schema: string): MigrationSource {
	return { schema, component: 'tlog', directory: new URL('../migrations/', import.meta.url) };
}

/** Safe when several processes start at once. @throws {MigrationError} for a changed or unknown newer migration. */
export function migrateTlog(database: Database, schema: string): Promise<MigrationReport> {
	return migrate(database, tlogMigrations(schema));
}
