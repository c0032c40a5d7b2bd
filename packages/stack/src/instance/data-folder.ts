/**
 * The data folder of `chancery up`: one place for everything an instance must keep, except the marks of its logs.
 *
 * May be lost: `instance.json`, `trust/`, `log/` (made anew at each start). Must never be lost or rolled back apart
 * from each other: `keys/`, `postgres/`, `chancery.json`.
 */
import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeFolder, makeFolders, setFolderMode } from '@chancery/postgres/file-modes';
import { findUntrusted, isTrustedOwner } from '@chancery/postgres/trusted-path';
import { adviseOnPlace, checkFolder, RECORD } from './data-folder-check.ts';
import { Refusal } from './refusal.ts';

export interface DataFolder {
	/** Absolute path. */
	readonly path: string;
	/** Where each part lies. */
	readonly record: string;
	readonly lock: string;
	readonly instance: string;
	readonly keys: string;
	readonly postgres: string;
	readonly trust: string;
	/** PEM of the authority behind the TLS certificates, for clients; only where it is a private one. */
	readonly tlsCa: string;
	readonly logFile: string;
}

/**
 * The owner's alone. The database server of root runs as another user and must be able to pass through, but not to
 * look: what lies beside the database is closed by itself.
 */
const FOLDER_MODE = process.getuid?.() === 0 ? 0o711 : 0o700;

/**
 * Opens or makes the folder, readable by its owner alone: it holds private keys without passphrase. One that is not
 * ours, or that something else is in, is left as it is. A crash leaves an empty folder; `makeParts` comes when the
 * record is written.
 * @throws {Refusal} when it cannot be used, saying why
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
	const folder = existingDataFolder(path);
	await orRefuse(folder.path, async () => {
		await checkPlace(folder.path);
		await makeFolders(folder.path, FOLDER_MODE);
		// Somebody may have made one of the folders above it meanwhile.
		await checkPlace(folder.path);
		const real = await realpath(folder.path);
		if (!(await checkFolder(real))) return;
		await setFolderMode(real, FOLDER_MODE);
		// What others put there before it was closed to them.
		await checkFolder(real);
	});
	return folder;
}

/**
 * Looks whether the folder of an instance may be believed, and changes nothing.
 * @throws {Refusal} saying why not
 */
export async function checkDataFolder(path: string): Promise<void> {
	await orRefuse(path, async () => {
		await checkPlace(path);
		await checkFolder(await realpath(path));
	});
}

/**
 * Makes the folders for keys and trust, which only a folder with a record has.
 * @throws {Refusal}
 */
export async function makeParts(folder: DataFolder): Promise<void> {
	await orRefuse(folder.path, async () => {
		for (const part of [folder.keys, folder.trust]) await makeFolder(part, 0o700);
	});
}

/** Nobody else decides what the path leads to. */
async function checkPlace(path: string): Promise<void> {
	const real = await realpath(path).catch(() => path);
	const untrusted = (await findUntrusted(path)) ?? (await findUntrusted(real));
	if (untrusted !== undefined) throw new Refusal(`${untrusted}; ${await adviseOnPlace(real)}`);
	const found = await stat(real).catch(() => undefined);
	if (found && !found.isDirectory()) throw new Refusal(`cannot use the data folder ${path}: it is not a folder`);
	const link = await lstat(path).catch(() => undefined);
	if (link && !isTrustedOwner(link.uid))
		throw new Refusal(`${path} belongs to another user; choose another folder with --data`);
}

async function orRefuse(path: string, work: () => Promise<void>): Promise<void> {
	try {
		await work();
	} catch (error) {
		if (error instanceof Refusal) throw error;
		const reason = error instanceof Error ? error.message : String(error);
		throw new Refusal(`cannot use the data folder ${path} (below ${dirname(path)}): ${reason}`, { cause: error });
	}
}

/** Where the parts of a data folder lie; nothing is made or checked. */
export function existingDataFolder(path: string): DataFolder {
	const absolute = resolve(path);
	return {
		path: absolute,
		record: join(absolute, RECORD),
		lock: join(absolute, 'lock'),
		instance: join(absolute, 'instance.json'),
		keys: join(absolute, 'keys'),
		postgres: join(absolute, 'postgres'),
		trust: join(absolute, 'trust'),
		tlsCa: join(absolute, 'trust', 'tls-ca.pem'),
		logFile: join(absolute, 'chancery.log'),
	};
}
