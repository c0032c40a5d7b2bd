/** The database of an instance: the server that DATABASE_URL names, or a supervised one below the data folder. */
import { startEmbedded } from '@chancery/postgres/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { checkDurability } from '@chancery/tlog/durability';

const DATABASE = 'chancery';
/** All services of the process together. */
const MAX_CONNECTIONS = 40;

/** Opens the database; `cleanup` closes it again, and stops the server if it was started here. */
export async function openInstanceDatabase(
	dataDir: string,
	cleanup: AsyncDisposableStack,
	log: (message: string) => void,
): Promise<Database> {
	const admit = checkDurability;
	const applicationName = 'chancery';
	const maxConnections = MAX_CONNECTIONS;
	if (process.env.DATABASE_URL) {
		const database = openDatabase({ url: process.env.DATABASE_URL, applicationName, maxConnections, admit });
		cleanup.defer(() => database.close());
		return database;
	}
	const server = await startEmbedded({ dataDir, log });
	cleanup.defer(() => server.stop());
	await server.createDatabase(DATABASE);
	const database = openDatabase({ url: server.url(DATABASE), applicationName, maxConnections, admit });
	cleanup.defer(() => database.close());
	return database;
}
