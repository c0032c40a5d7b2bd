/** The authority keeps nothing in the database; every service answers to `migrate`, so this one says so. */
import type { Database } from '@chancery/postgres/sql';

/** Has nothing to bring up to date. */
export async function migrateSchema(_database: Database): Promise<void> {}
