/** The tables of the identity provider. */
import { type MigrationReport, migrate } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';

/** Brings the schema `identity` up to date; safe when several processes start at once. */
export function migrateSchema(database: Database): Promise<MigrationReport> {
	return migrate(database, {
		schema: 'identity',
		component: 'identity',
		directory: new URL('../../migrations/', import.meta.url),
	});
}
