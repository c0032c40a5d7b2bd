/**
 * Where the cluster of a data folder is: inside it, unless the user that the server runs as cannot get there.
 *
 * Root runs the server as an unprivileged user, and that user cannot reach a data folder below a folder that only root
 * can enter. The cluster is then below `/var/lib/chancery`, in a folder named after the data folder's path and its random
 * instance name, and each of the two folders records the other.
 */
import { createHash } from 'node:crypto';
import { lstat, readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { makeFolders, provideFolder, setFolderMode, writeDurably } from '../file-modes.ts';
import { findUntrusted } from '../trusted-path.ts';
import { lstatOrNothing } from './account-folder.ts';
import type { DataRecord } from './data-record.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { canEnter, FIRST_VERSION_USER, type ServerUser } from './server-user.ts';

/** Root's folder for what the server's user must be able to reach. */
export const DEFAULT_SERVER_HOME = '/var/lib/chancery';

const INSIDE = 'cluster';
const OWNER_FILE = 'data-folder.json';

export interface ClusterPlace {
	/** The path as the record contains it. */
	readonly recorded: string;
	/** Absolute path of the cluster; it may not exist yet, its parent does. */
	readonly path: string;
	/** The user who has it now and must hand it over, when that is not the server's user. */
	readonly formerOwner: ServerUser | undefined;
}

/**
 * Chooses the place on a first start and finds it again later.
 * @throws {EmbeddedPostgresError} `cluster-missing`, `copied-folder`, `wrong-owner` or `no-usable-folder`.
 */
export async function placeCluster(
	dataDir: string,
	record: DataRecord,
	user: ServerUser | undefined,
	serverHome: string,
): Promise<ClusterPlace> {
	const recorded = record.cluster ?? (await choose(dataDir, record, user, serverHome));
	const outside = isAbsolute(recorded);
	if (outside) await checkOwnership(dataDir, recorded, record);
	const path = clusterPath(dataDir, recorded);
	const found = await lstatOrNothing(path);
	if (found === undefined && record.initialized)
		throw new EmbeddedPostgresError(
			'cluster-missing',
			`the database of ${dataDir} should be at ${path} and is not there: restore it, or remove ${dataDir} to start anew`,
		);
	const isOurs = found === undefined || found.uid === (user?.uid ?? process.geteuid?.());
	const isHandedOver =
		user !== undefined && found?.isDirectory && [FIRST_VERSION_USER.uid, record.formerOwner].includes(found.uid);
	if (!isOurs && !isHandedOver)
		throw new EmbeddedPostgresError(
			'wrong-owner',
			`the database at ${path} belongs to user ${found.uid} and would be run by user ${user?.uid ?? process.geteuid?.()}: start as the user who made it`,
		);
	if (!outside && user !== undefined && !(await canEnter(dataDir, user)))
		throw new EmbeddedPostgresError(
			'no-usable-folder',
			`the database at ${path} is run by user ${user.uid}, who can no longer enter ${dataDir}: open the folders above it for entering (mode 0711)`,
		);
	return { recorded, path, formerOwner: isOurs ? undefined : found };
}

/** Absolute path of the cluster that a record names. */
export function clusterPath(dataDir: string, recorded: string): string {
	return isAbsolute(recorded) ? recorded : join(dataDir, recorded);
}

/**
 * Makes root's folder, which everyone can enter and only root can write.
 * @throws {EmbeddedPostgresError} `no-usable-folder` when something else is there.
 */
export async function makeServerHome(serverHome: string): Promise<void> {
	const untrusted = await findUntrusted(serverHome);
	if (untrusted !== undefined) throw new EmbeddedPostgresError('no-usable-folder', untrusted);
	await makeFolders(serverHome, 0o755);
	const found = await lstat(serverHome);
	if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0)
		throw new EmbeddedPostgresError('no-usable-folder', `${serverHome} must be a folder that only root can write`);
	// The first version let root's umask close it, also for every later instance.
	await setFolderMode(serverHome, 0o755);
}

async function choose(
	dataDir: string,
	record: DataRecord,
	user: ServerUser | undefined,
	serverHome: string,
): Promise<string> {
	if (user === undefined || (await canEnter(dataDir, user))) return INSIDE;
	const name = createHash('sha256').update(`${dataDir}\n${record.instance}`).digest('hex').slice(0, 24);
	const home = join(serverHome, name);
	await provideFolder(home, 0o711);
	if (!(await canEnter(home, user)))
		throw new EmbeddedPostgresError('no-usable-folder', `user ${user.uid} cannot enter ${home}`);
	await writeDurably(join(home, OWNER_FILE), `${JSON.stringify({ dataDir, instance: record.instance })}\n`, 0o600);
	return join(home, INSIDE);
}

/** A data folder may be moved, but two copies of it must not run the same cluster. */
async function checkOwnership(dataDir: string, cluster: string, record: DataRecord): Promise<void> {
	const file = join(cluster, '..', OWNER_FILE);
	const text = await readFile(file, 'utf8').catch(() => undefined);
	if (text === undefined) return;
	const owner = parseOwner(text);
	if (owner === undefined)
		throw new EmbeddedPostgresError('no-usable-folder', `${file} does not say which data folder it belongs to`);
	if (owner.dataDir === dataDir && owner.instance === record.instance) return;
	const elsewhere = await realpath(owner.dataDir).catch(() => undefined);
	if (owner.instance !== record.instance || elsewhere !== undefined)
		throw new EmbeddedPostgresError(
			'copied-folder',
			`${dataDir} is a copy: its database at ${cluster} belongs to ${owner.dataDir}`,
		);
	await writeDurably(file, `${JSON.stringify({ dataDir, instance: record.instance })}\n`, 0o600);
}

function parseOwner(text: string): { dataDir: string; instance: string } | undefined {
	try {
		const { dataDir, instance } = JSON.parse(text) ?? {};
		return typeof dataDir === 'string' && typeof instance === 'string' ? { dataDir, instance } : undefined;
	} catch {
		// Not JSON: it is unknown whose database this is.
		return undefined;
	}
}
