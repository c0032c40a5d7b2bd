/**
 * The tables of this service and the schema they live in.
 */
import { type MigrationReport, type MigrationSource, migrateAll } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';

export const MIGRATIONS: readonly MigrationSource[] = [
	{ schema: 'ca', component: 'ca', directory: new URL('../../migrations/', import.meta.url) },
];

/** Brings the schema `ca` up to date; safe when several processes start at once. @throws {MigrationError} */
export function migrateSchema(database: Database): Promise<MigrationReport[]> {
	return migrateAll(database, MIGRATIONS);
}
