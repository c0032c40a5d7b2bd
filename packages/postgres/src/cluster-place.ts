/**
 * Where a data folder's cluster lies: inside it, unless the user the server runs as cannot get there.
 *
 * Root hands the server to an unprivileged user, and a data folder below a folder that only root can enter is closed
 * to that user. The cluster then lies below `/var/lib/chancery`, in a folder named after the data folder's path and
 * its random instance, and both sides record each other.
 */
import { createHash } from 'node:crypto';
import { chown, lstat, mkdir, readFile, realpath } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { type DataRecord, writeDurably } from './data-record.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { canEnter, type ServerUser } from './server-user.ts';

/** Root's place for what the server's user must reach. */
export const DEFAULT_SERVER_HOME = '/var/lib/chancery';

const INSIDE = 'cluster';
const OWNER_FILE = 'data-folder.json';

export interface ClusterPlace {
	/** As it goes into the record. */
	readonly recorded: string;
	/** Absolute path of the cluster; it may not exist yet, its parent does. */
	readonly path: string;
}

/**
 * Chooses the place on a first start and finds it again later.
 * @throws EmbeddedPostgresError `cluster-missing`, `copied-folder`, `wrong-owner` or `no-usable-folder`.
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
	const path = outside ? recorded : join(dataDir, recorded);
	const found = await lstat(path).catch(() => undefined);
	if (found === undefined && record.initialized)
		throw new EmbeddedPostgresError(
			'cluster-missing',
			`the database of ${dataDir} should be at ${path} and is not there: restore it, or remove ${dataDir} to start anew`,
		);
	const uid = user?.uid ?? process.geteuid?.();
	if (found !== undefined && found.uid !== uid)
		throw new EmbeddedPostgresError(
			'wrong-owner',
			`the database at ${path} belongs to user ${found.uid} and would be run by user ${uid}: start as the user who made it`,
		);
	if (!outside && user !== undefined && !(await canEnter(dataDir, user)))
		throw new EmbeddedPostgresError(
			'no-usable-folder',
			`the database at ${path} is run by user ${user.uid}, who can no longer enter ${dataDir}: open the folders above it for entering (mode 0711)`,
		);
	return { recorded, path };
}

/**
 * Makes root's place, entered by everyone and written by root only.
 * @throws EmbeddedPostgresError `no-usable-folder` when something else is there.
 */
export async function makeServerHome(serverHome: string): Promise<void> {
	await mkdir(serverHome, { recursive: true, mode: 0o755 });
	const found = await lstat(serverHome);
	if (!found.isDirectory() || found.uid !== 0 || (found.mode & 0o022) !== 0)
		throw new EmbeddedPostgresError('no-usable-folder', `${serverHome} must be a folder that only root can write`);
}

/** Makes an empty folder that belongs to the server's user alone. */
export async function makePrivateFolder(path: string, user: ServerUser | undefined): Promise<void> {
	await mkdir(path, { mode: 0o700 });
	if (user !== undefined) await chown(path, user.uid, user.gid);
}

async function choose(
	dataDir: string,
	record: DataRecord,
	user: ServerUser | undefined,
	serverHome: string,
): Promise<string> {
	if (user === undefined || (await canEnter(dataDir, user))) return INSIDE;
	await makeServerHome(serverHome);
	const name = createHash('sha256').update(`${dataDir}\n${record.instance}`).digest('hex').slice(0, 24);
	const home = join(serverHome, name);
	await mkdir(home, { recursive: true, mode: 0o711 });
	if (!(await canEnter(home, user)))
		throw new EmbeddedPostgresError('no-usable-folder', `user ${user.uid} cannot enter ${home}`);
	await writeDurably(join(home, OWNER_FILE), `${JSON.stringify({ dataDir, instance: record.instance })}\n`);
	return join(home, INSIDE);
}

/** A data folder may be moved; two copies of it must not run the same cluster. */
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
	await writeDurably(file, `${JSON.stringify({ dataDir, instance: record.instance })}\n`);
}

function parseOwner(text: string): { dataDir: string; instance: string } | undefined {
	try {
		const { dataDir, instance } = JSON.parse(text) ?? {};
		return typeof dataDir === 'string' && typeof instance === 'string' ? { dataDir, instance } : undefined;
	} catch {
		// Not JSON: nobody knows whose database this is.
		return undefined;
	}
}
