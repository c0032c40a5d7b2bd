/**
 * The tables of this service and the schema they live in.
 */
import { type MigrationReport, migrate } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';

const DIRECTORY = new URL('../../migrations/', import.meta.url);

/** Brings the schema `ca` up to date; safe when several processes start at once. @throws MigrationError */
export function migrateSchema(database: Database): Promise<MigrationReport> {
	return migrate(database, { schema: 'ca', component: 'ca', directory: DIRECTORY });
}
