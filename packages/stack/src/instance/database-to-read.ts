/**
 * The database of an instance for someone who only reads: whatever is sent over it, the server refuses to write.
 */

import { SUPERUSER } from '@chancery/postgres/embedded/cluster';
import { readRecord } from '@chancery/postgres/embedded/data-record';
import { startEmbedded } from '@chancery/postgres/embedded/embedded';
import { SOCKET_PORT } from '@chancery/postgres/embedded/runtime-dir';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database, Sql } from '@chancery/postgres/sql';
import type { DataFolder } from './data-folder.ts';
import { lockFolder } from './folder-lock.ts';

const DATABASE = 'chancery';
const MAX_CONNECTIONS = 4;

/**
 * Opens the database that DATABASE_URL names, else that of the running instance, else the server of the stopped one,
 * which then nobody else can start until `cleanup` has run.
 * @throws {Refusal} when an instance has the folder and its database does not answer; EmbeddedPostgresError
 */
export async function openDatabaseToRead(
	folder: DataFolder,
	cleanup: AsyncDisposableStack,
	say: (line: string) => void,
): Promise<Database> {
	const { runtimeDir } = await readRecord(folder.postgres);
	const running = process.env.DATABASE_URL ?? (runtimeDir === null ? undefined : socketUrl(runtimeDir));
	if (running !== undefined) {
		const database = openToRead(running);
		try {
			await database.query('select 1');
			cleanup.defer(() => database.close());
			return database;
		} catch (error) {
			await database.close();
			if (process.env.DATABASE_URL !== undefined) throw error;
			// Not running, or about to end: then the lock below tells.
		}
	}
	const lock = await lockFolder(folder.lock);
	cleanup.defer(() => lock.release());
	const server = await startEmbedded({ dataDir: folder.postgres, log: say });
	cleanup.defer(() => server.stop());
	const database = openToRead(server.url(DATABASE));
	cleanup.defer(() => database.close());
	return database;
}

/** Connects lazily: a wrong address shows at the first statement. */
export function openToRead(url: string): Database {
	return openDatabase({
		url,
		applicationName: 'chancery audit',
		maxConnections: MAX_CONNECTIONS,
		admit: async (sql: Sql) => {
			await sql.query('set session characteristics as transaction read only');
		},
	});
}

function socketUrl(runtimeDir: string): string {
	return `postgresql:///${DATABASE}?host=${encodeURIComponent(runtimeDir)}&port=${SOCKET_PORT}&user=${SUPERUSER}&sslmode=disable`;
}
