/**
 * A real PostgreSQL server below a data folder: made at the first start, supervised while we run, stopped with us.
 *
 * The data folder contains `embedded.json` (the record), `supervisor.lock` (held while running), `postgres.log`, and
 * `cluster/` with the data, unless only root can enter the data folder: see `cluster-place.ts`.
 */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolders } from '../file-modes.ts';
import { sqlState } from '../pg-errors.ts';
import { openDatabase } from '../pool.ts';
import { findUntrusted } from '../trusted-path.ts';
import { ACCOUNT_PREFIX, claimAccount } from './account-claims.ts';
import { lstatOrNothing } from './account-folder.ts';
import { type Binaries, findBinaries, probeBinaries } from './binaries.ts';
import { checkVersion, ensureCluster, SUPERUSER, writeAccessRules } from './cluster.ts';
import { clusterPath, DEFAULT_SERVER_HOME, makeServerHome, placeCluster } from './cluster-place.ts';
import { type DataRecord, readRecord, writeRecord } from './data-record.ts';
import { ACCOUNT_VARIABLE, type DatabaseAccount, findNamedAccount } from './database-account.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { finishHandOver, handOver } from './hand-over.ts';
import { type KeptPostmaster, keepPostmaster, unkept } from './kept-postmaster.ts';
import { startPostmaster, stopLeftover } from './postmaster.ts';
import {
	makeRuntimeDir,
	type RuntimeDirInput,
	removeEarlierRuntimeDir,
	removeRuntimeDir,
	SOCKET_PORT,
} from './runtime-dir.ts';
import { openServerLog } from './server-log.ts';
import type { ServerUser } from './server-user.ts';
import { lockSupervisor } from './supervisor-lock.ts';

export interface EmbeddedOptions {
	/** Made when missing (0700; 0711 for root, whose server runs as another user). May be long and contain spaces. */
	readonly dataDir: string;
	readonly log?: (message: string) => void;
	/** Folder of other PostgreSQL programs, `initdb` and `postgres`, instead of the ones from npm. */
	readonly binDir?: string;
	/** Root's folder: accounts and sockets of the servers that root starts, and what their users must reach. */
	readonly serverHome?: string;
	/** Starts the server again when it ends by itself, as it does on a full disk. Default false. */
	readonly isKept?: boolean;
	/** Only for tests: nothing is synced to disk, so a power failure may destroy everything. */
	readonly unsafeNoSync?: boolean;
}

export interface EmbeddedPostgres {
	/** URL of a database of this server for `openDatabase`; also understood by psql. */
	url(database: string): string;
	/** Makes a database unless it is there. */
	createDatabase(name: string): Promise<void>;
	/** Main process of the server; it changes when a kept server is started again. */
	readonly pid: number;
	/** Folder of the socket. */
	readonly runtimeDir: string;
	/** Folder of the data. */
	readonly cluster: string;
	/** The server's version, for example `18.4`. */
	readonly version: string;
	/** Settles when the server's main process has ended and is not started again; says how it ended. */
	readonly ended: Promise<string>;
	/** Fast shutdown within about 3 s, then a harder one. Safe to call twice. */
	stop(): Promise<void>;
}

/**
 * Starts the server of a data folder.
 * @throws {EmbeddedPostgresError} whose message says what was expected and what was found
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
	const log = options.log ?? (() => undefined);
	const unsafeNoSync = options.unsafeNoSync ?? false;
	const isRoot = process.geteuid?.() === 0;

	// 1. One supervisor per data folder. A crash after this leaves a lock that the next start recognises as stale.
	await makeFolders(options.dataDir, isRoot ? 0o711 : 0o700);
	const dataDir = await realpath(options.dataDir);
	// Checks the folder itself too, because what it contains is trusted.
	const untrusted = await findUntrusted(join(dataDir, 'x'));
	if (untrusted !== undefined) throw new EmbeddedPostgresError('no-usable-folder', untrusted);
	const lock = await lockSupervisor(dataDir);
	const undo: (() => Promise<void>)[] = [() => lock.release()];
	const cleanUp = async () => {
		for (const step of undo.splice(0).reverse()) await step();
	};
	try {
		// 2. The user of the server, the programs, and the place of the data. Each choice is recorded before it is used.
		const serverHome = options.serverHome ?? DEFAULT_SERVER_HOME;
		let record = await readRecord(dataDir);
		if (record.cluster !== null) await finishHandOver(clusterPath(dataDir, record.cluster));
		if (isRoot) record = await chooseAccount(dataDir, record, serverHome);
		const user = isRoot ? (record.account ?? undefined) : undefined;
		const binaries = await chooseBinaries(options, dataDir, user, serverHome);
		const place = await placeCluster(dataDir, record, user, serverHome);
		record = { ...record, cluster: place.recorded };
		await writeRecord(dataDir, record);

		// 3. A cluster of our version that belongs to the server's user, and no other server on it.
		if (place.formerOwner !== undefined && user !== undefined) {
			log(`giving the database in ${place.path} from user ${place.formerOwner.uid} to user ${user.uid}`);
			await stopLeftover(await realpath(place.path), log);
			await handOver(place.path, place.formerOwner, user, binaries);
		}
		const outcome = await ensureCluster(place.path, binaries, user, unsafeNoSync);
		if (outcome === 'created') log(`made a PostgreSQL ${binaries.version} cluster in ${place.path}`);
		await checkVersion(place.path, binaries);
		const cluster = await realpath(place.path);
		await stopLeftover(cluster, log);

		// 4. A socket folder, who may connect, and the server itself.
		const { XDG_RUNTIME_DIR: xdgRuntimeDir } = process.env;
		const root = user && { user, serverHome };
		const wanted: RuntimeDirInput = { dataDir, instance: record.instance, root, xdgRuntimeDir };
		if (record.runtimeDir !== null) await removeEarlierRuntimeDir(record.runtimeDir, wanted);
		const runtimeDir = await makeRuntimeDir(wanted);
		undo.push(() => removeRuntimeDir(runtimeDir));
		await writeRecord(dataDir, { ...record, initialized: true, runtimeDir, formerOwner: null });
		const rules = await writeAccessRules(cluster);
		const serverLog = await openServerLog(join(dataDir, 'postgres.log'));
		undo.push(() => serverLog.close());
		const input = { binaries, cluster, runtimeDir, rules, user, log: serverLog, unsafeNoSync };
		const first = await startPostmaster(input);
		const startAgain = async (signal: AbortSignal) => {
			await stopLeftover(cluster, log);
			return startPostmaster({ ...input, signal });
		};
		const postmaster = options.isKept ? keepPostmaster(first, startAgain, log) : unkept(first);
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
	return findBinaries(user, user === undefined ? dataDir : serverHome);
}

/** Records the account of root's database, and the previous owner of the cluster if that was another user. */
async function chooseAccount(dataDir: string, before: DataRecord, serverHome: string): Promise<DataRecord> {
	await makeServerHome(serverHome);
	const { instance, account } = before;
	const former = before.cluster === null ? undefined : await lstatOrNothing(clusterPath(dataDir, before.cluster));
	let record = before;
	const keep = async (chosen: DatabaseAccount) => {
		// Only from an account that the record knows: the database of any other owner is not taken over.
		const isFormer = account !== null && former?.uid === account.uid && former.uid !== chosen.uid;
		record = { ...before, account: chosen, formerOwner: isFormer ? account.uid : before.formerOwner };
		await writeRecord(dataDir, record);
	};
	const named = process.env[ACCOUNT_VARIABLE];
	if (named !== undefined && named !== '') await keep(await findNamedAccount(named));
	else await claimAccount({ dataDir, instance, account }, { serverHome, prefix: ACCOUNT_PREFIX }, keep);
	return record;
}

interface Running {
	readonly postmaster: KeptPostmaster;
	readonly runtimeDir: string;
	readonly cluster: string;
	readonly version: string;
	readonly cleanUp: () => Promise<void>;
}

function supervise({ postmaster, runtimeDir, cluster, version, cleanUp }: Running): EmbeddedPostgres {
	const url = (database: string) =>
		`postgresql:///${encodeURIComponent(database)}?host=${encodeURIComponent(runtimeDir)}&port=${SOCKET_PORT}&user=${SUPERUSER}&sslmode=disable`;
	let stopping: Promise<void> | undefined;
	const stop = async () => {
		await postmaster.stop();
		await cleanUp();
	};
	return {
		url,
		createDatabase: (name) => createDatabase(url('postgres'), name),
		get pid() {
			return postmaster.pid;
		},
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
		// Another process made it between the check and the creation.
		if (!['42P04', '23505'].includes(sqlState(error) ?? '')) throw error;
	} finally {
		await database.close();
	}
}
