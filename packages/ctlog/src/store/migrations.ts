/** The schema `ctlog`: the tables of the log engine and those of this service. */
import { migrate } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';
import { migrateTlog } from '@chancery/tlog/migrate';

export const SCHEMA = 'ctlog';

/** Brings the schema up to date. Safe when several start at once. @throws MigrationError */
export async function migrateSchema(database: Database): Promise<void> {
	await migrateTlog(database, SCHEMA);
	await migrate(database, {
		schema: SCHEMA,
		component: 'ctlog',
		directory: new URL('../../migrations/', import.meta.url),
	});
}
