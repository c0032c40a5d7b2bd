/** The database of an instance: the server that DATABASE_URL names, or a supervised one below the data folder. */
import { readFile, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readRecord } from '@chancery/postgres/data-record';
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import { postgresProcesses, signal as sendSignal } from '@chancery/postgres/process-identity';
import { serverUser } from '@chancery/postgres/server-user';
import type { Database } from '@chancery/postgres/sql';
import { checkDurability } from '@chancery/tlog/durability';

const DATABASE = 'chancery';
/** All services of the process together. */
const MAX_CONNECTIONS = 40;
const SEND_AWAY_EVERY_MS = 50;

/**
 * Opens the database; `cleanup` closes it again, and stops the server if it was started here.
 * @param stop aborted when the instance is told to end; a server that is still coming up then does not get there.
 */
export async function openInstanceDatabase(
	dataDir: string,
	cleanup: AsyncDisposableStack,
	log: (message: string) => void,
	stop?: AbortSignal,
): Promise<Database> {
	const admit = checkDurability;
	const applicationName = 'chancery';
	const maxConnections = MAX_CONNECTIONS;
	if (process.env.DATABASE_URL) {
		const database = openDatabase({ url: process.env.DATABASE_URL, applicationName, maxConnections, admit });
		cleanup.defer(() => database.close());
		return database;
	}
	const server = await startUnlessStopped(dataDir, log, stop);
	cleanup.defer(() => server.stop());
	await server.createDatabase(DATABASE);
	const database = openDatabase({ url: server.url(DATABASE), applicationName, maxConnections, admit });
	cleanup.defer(() => database.close());
	return database;
}

/**
 * Making a cluster, or replaying the log of one after a crash, may take longer than the end of an instance. Without
 * this, an end that runs out of time meanwhile would leave a server that nobody supervises.
 */
async function startUnlessStopped(
	dataDir: string,
	log: (message: string) => void,
	stop: AbortSignal | undefined,
): Promise<EmbeddedPostgres> {
	stop?.throwIfAborted();
	const starting = startEmbedded({ dataDir, log });
	let isOver = false;
	const over = starting.then(
		() => undefined,
		() => undefined,
	);
	void over.then(() => {
		isOver = true;
	});
	const sendAway = async () => {
		while (!isOver) {
			await endServer(dataDir).catch((error: unknown) => log(`the database could not be told to end: ${error}`));
			await Promise.race([over, sleep(SEND_AWAY_EVERY_MS)]);
		}
	};
	const onStop = () => void sendAway();
	stop?.addEventListener('abort', onStop, { once: true });
	try {
		return await starting;
	} finally {
		stop?.removeEventListener('abort', onStop);
	}
}

/** Asks the main process of the folder's server, if there is one, for a fast shutdown. */
async function endServer(dataDir: string): Promise<void> {
	const { cluster } = await readRecord(dataDir);
	if (cluster === null) return;
	const path = await realpath(resolve(dataDir, cluster)).catch(() => undefined);
	if (path === undefined) return;
	const pid = Number.parseInt(await readFile(join(path, 'postmaster.pid'), 'utf8').catch(() => ''), 10);
	// The number in the file may by now belong to somebody else.
	if ((await postgresProcesses(path, serverUser())).includes(pid)) sendSignal(pid, 'SIGINT');
}
