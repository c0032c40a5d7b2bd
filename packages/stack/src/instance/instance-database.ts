/** The database of an instance: the server that DATABASE_URL names, or a supervised one below the data folder. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { checkDurability } from '@chancery/tlog/durability';
import { endDatabaseChildren } from './database-children.ts';

const DATABASE = 'chancery';
/** All services of the process together. */
const MAX_CONNECTIONS = 40;
const SEND_AWAY_EVERY_MS = 100;
/** How long an `initdb` may clean up behind itself. */
const GRACE_MS = 1_500;

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
	const database = openDatabase({
		url: server.url(DATABASE),
		applicationName,
		maxConnections,
		admit,
		// One kernel, one clock: nothing to compare the logs' time with.
		sharesClock: true,
	});
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
	const starting = startEmbedded({ dataDir, log, isKept: true });
	let isOver = false;
	const over = starting.then(
		() => undefined,
		() => undefined,
	);
	void over.then(() => {
		isOver = true;
	});
	const sendAway = async () => {
		const toldAt = performance.now();
		while (!isOver) {
			await endDatabaseChildren(performance.now() - toldAt > GRACE_MS);
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
