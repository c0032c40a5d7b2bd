/**
 * A real PostgreSQL server under a data folder: made at the first start, supervised while we run, stopped with us.
 *
 * What lies in the data folder: `embedded.json` (the record), `supervisor.lock` (held while running),
 * `postgres.log`, and `cluster/` with the data, unless only root can enter the data folder: see `cluster-place.ts`.
 */
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { type Binaries, findBinaries, probeBinaries } from './binaries.ts';
import { checkVersion, ensureCluster, SUPERUSER, writeAccessRules } from './cluster.ts';
import { DEFAULT_SERVER_HOME, makeServerHome, placeCluster } from './cluster-place.ts';
import { readRecord, writeRecord } from './data-record.ts';
import { sqlState } from './pg-errors.ts';
import { openDatabase } from './pool.ts';
import { type Postmaster, startPostmaster, stopLeftover, stopPostmaster } from './postmaster.ts';
import { signal } from './process-identity.ts';
import {
	makeRuntimeDir,
	type RuntimeDirInput,
	removeEarlierRuntimeDir,
	removeRuntimeDir,
	SOCKET_PORT,
} from './runtime-dir.ts';
import { openServerLog } from './server-log.ts';
import { type ServerUser, serverUser } from './server-user.ts';
import { lockSupervisor } from './supervisor-lock.ts';

export interface EmbeddedOptions {
	/** Made when missing (0700; 0711 for root, whose server runs as another user). May be long and hold spaces. */
	readonly dataDir: string;
	readonly log?: (message: string) => void;
	/** Folder of other PostgreSQL programs, `initdb` and `postgres`, instead of the ones from npm. */
	readonly binDir?: string;
	/** Where root puts what the server's user must reach. */
	readonly serverHome?: string;
	/** Only for tests: nothing is forced to disk, and a power failure may destroy everything. */
	readonly unsafeNoSync?: boolean;
}

export interface EmbeddedPostgres {
	/** URL of a database of this server for `openDatabase`; also understood by psql. */
	url(database: string): string;
	/** Makes a database unless it is there. */
	createDatabase(name: string): Promise<void>;
	/** Main process of the server. */
	readonly pid: number;
	/** Folder of the socket. */
	readonly runtimeDir: string;
	/** Folder of the data. */
	readonly cluster: string;
	/** The server's version, for example `18.4`. */
	readonly version: string;
	/** Settles when the server's main process has ended, asked for or not, with its exit in words. */
	readonly ended: Promise<string>;
	/** Fast shutdown within about 3 s, harder after that. Safe to call twice. */
	stop(): Promise<void>;
}

/**
 * Starts the server of a data folder.
 * @throws EmbeddedPostgresError saying what was expected and what was found.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
	const log = options.log ?? (() => undefined);
	const unsafeNoSync = options.unsafeNoSync ?? false;
	const user = serverUser();

	// 1. One supervisor per data folder. A crash after this leaves a lock that the next start sees to be stale.
	await mkdir(options.dataDir, { recursive: true, mode: user === undefined ? 0o700 : 0o711 });
	const dataDir = await realpath(options.dataDir);
	const lock = await lockSupervisor(dataDir);
	const undo: (() => Promise<void>)[] = [() => lock.release()];
	const cleanUp = async () => {
		for (const step of undo.splice(0).reverse()) await step();
	};
	try {
		// 2. The programs, and the place of the data. The choice is recorded before anything is put there.
		const serverHome = options.serverHome ?? DEFAULT_SERVER_HOME;
		const binaries = await chooseBinaries(options, dataDir, user, serverHome);
		let record = await readRecord(dataDir);
		const place = await placeCluster(dataDir, record, user, serverHome);
		record = { ...record, cluster: place.recorded };
		await writeRecord(dataDir, record);

		// 3. A cluster of our version, and no other server on it.
		const outcome = await ensureCluster(place.path, binaries, user, unsafeNoSync);
		if (outcome === 'created') log(`made a PostgreSQL ${binaries.version} cluster in ${place.path}`);
		await checkVersion(place.path, binaries);
		const cluster = await realpath(place.path);
		await stopLeftover(cluster, user, log);

		// 4. A socket folder, who may connect, and the server itself.
		const { XDG_RUNTIME_DIR: xdgRuntimeDir } = process.env;
		const wanted: RuntimeDirInput = { dataDir, instance: record.instance, user, xdgRuntimeDir };
		if (record.runtimeDir !== null) await removeEarlierRuntimeDir(record.runtimeDir, wanted);
		const runtimeDir = await makeRuntimeDir(wanted);
		undo.push(() => removeRuntimeDir(runtimeDir));
		await writeRecord(dataDir, { ...record, initialized: true, runtimeDir });
		await writeAccessRules(cluster, user);
		const serverLog = await openServerLog(join(dataDir, 'postgres.log'));
		undo.push(() => serverLog.close());
		const postmaster = await startPostmaster({ binaries, cluster, runtimeDir, user, log: serverLog, unsafeNoSync });
		return supervise({ postmaster, runtimeDir, cluster, version: binaries.version, cleanUp });
	} catch (error) {
		await cleanUp();
		throw error;
	}
}

async function chooseBinaries(
	options: EmbeddedOptions,
	dataDir: string,
	user: ServerUser | undefined,
	serverHome: string,
): Promise<Binaries> {
	if (options.binDir !== undefined) return probeBinaries(options.binDir, user);
	if (user === undefined) return findBinaries(user, dataDir);
	return findBinaries(user, serverHome, () => makeServerHome(serverHome));
}

interface Running {
	readonly postmaster: Postmaster;
	readonly runtimeDir: string;
	readonly cluster: string;
	readonly version: string;
	readonly cleanUp: () => Promise<void>;
}

function supervise({ postmaster, runtimeDir, cluster, version, cleanUp }: Running): EmbeddedPostgres {
	// Our process ending without stop(), by an uncaught error say, takes the server along. Only a SIGKILL does not:
	// then the next start finds the leftover.
	const endWithUs = () => signal(postmaster.pid, 'SIGINT');
	process.once('exit', endWithUs);
	void postmaster.ended.then(() => process.removeListener('exit', endWithUs));

	const url = (database: string) =>
		`postgresql:///${encodeURIComponent(database)}?host=${encodeURIComponent(runtimeDir)}&port=${SOCKET_PORT}&user=${SUPERUSER}&sslmode=disable`;
	let stopping: Promise<void> | undefined;
	const stop = async () => {
		await stopPostmaster(postmaster);
		await cleanUp();
	};
	return {
		url,
		createDatabase: (name) => createDatabase(url('postgres'), name),
		pid: postmaster.pid,
		runtimeDir,
		cluster,
		version,
		ended: postmaster.ended,
		stop: () => {
			stopping ??= stop();
			return stopping;
		},
	};
}

async function createDatabase(url: string, name: string): Promise<void> {
	if (!/^[a-z][a-z0-9_]{0,62}$/.test(name))
		throw new TypeError(`'${name}' is no database name of ours: a-z first, then a-z, 0-9 and _, at most 63 characters`);
	const database = openDatabase({ url, applicationName: 'chancery-supervisor', maxConnections: 1 });
	try {
		const found = await database.query('select 1 as one from pg_database where datname = $1', [name]);
		if (found.length === 0) await database.query(`create database "${name}"`);
	} catch (error) {
		// Made by someone else between the look and the creation.
		if (!['42P04', '23505'].includes(sqlState(error) ?? '')) throw error;
	} finally {
		await database.close();
	}
}
