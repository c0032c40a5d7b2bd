/** Brings the schema of this service up to date. */
import { migrate } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';

export const SCHEMA = 'tuf';

export async function migrateSchema(database: Database): Promise<void> {
	await migrate(database, {
		schema: SCHEMA,
		component: 'tuf',
		directory: new URL('../../migrations/', import.meta.url),
	});
}
