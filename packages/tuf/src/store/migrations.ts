/** The schema of this service. */
import { type MigrationReport, type MigrationSource, migrateAll } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';

export const SCHEMA = 'tuf';

export const MIGRATIONS: readonly MigrationSource[] = [
	{ schema: SCHEMA, component: 'tuf', directory: new URL('../../migrations/', import.meta.url) },
];

/** Brings the schema up to date; safe when several processes start at once. @throws {MigrationError} */
export function migrateSchema(database: Database): Promise<MigrationReport[]> {
	return migrateAll(database, MIGRATIONS);
}
