/**
 * The short private folder of the server's socket. Socket paths are limited to about 100 bytes and data folders are not,
 * so the socket cannot be beside the data.
 *
 * Root's is in a folder that only root can write: in /tmp the server's user could replace it by another folder, and root
 * would remove the sockets in that.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstat, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeFolder, provideFolder } from '../file-modes.ts';
import { makeAccountFolder, removeAccountFolder } from './account-folder.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { FIRST_VERSION_USER, runAs, type ServerUser } from './server-user.ts';

/** Part of the socket's file name. There is no TCP, so it cannot collide with another server. */
export const SOCKET_PORT = 5432;

const SOCKET_NAME = `.s.PGSQL.${SOCKET_PORT}`;
/** `sun_path` has 108 bytes on Linux and 104 on macOS, with the final zero. */
const MAX_SOCKET_PATH_BYTES = 100;
const MAX_ATTEMPTS = 5;
/** Below root's folder. */
export const ROOTS_FOLDER = 'run';
const RM_TIMEOUT_MS = 60_000;

export interface RuntimeDirInput {
	readonly dataDir: string;
	/** Random name of this data folder. The folder's name cannot be guessed before it exists. */
	readonly instance: string;
	/** The server's user and root's folder, when root starts the server. */
	readonly root: { readonly user: ServerUser; readonly serverHome: string } | undefined;
	readonly xdgRuntimeDir: string | undefined;
}

/**
 * Makes (or finds again) the socket folder: mode 0700, owned by the user that the server runs as.
 * @throws {EmbeddedPostgresError} `no-usable-folder`.
 */
export async function makeRuntimeDir(input: RuntimeDirInput): Promise<string> {
	if (input.root !== undefined) return makeRootsDir(input, input.root);
	const parent = (await isUsableXdg(input)) ? (input.xdgRuntimeDir as string) : '/tmp';
	const usual = join(parent, usualName(input));
	// Another user may have made this name in /tmp. Then it is never used; another name is.
	for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
		const dir = attempt === 0 ? usual : `${usual}-${randomBytes(4).toString('hex')}`;
		if (await claim(dir)) return dir;
	}
	throw new EmbeddedPostgresError('no-usable-folder', `no folder for the database's socket could be made at ${usual}`);
}

/**
 * Removes the recorded folder of an earlier run, whose socket and lock file may name a process that has long ended. In a
 * copied data folder the record names the socket folder of the original, which is not touched.
 */
export async function removeEarlierRuntimeDir(recorded: string, input: RuntimeDirInput): Promise<void> {
	const isOf = (uid: number) => basename(recorded).startsWith(usualName(input, uid));
	if (isOf(process.geteuid?.() ?? 0)) await removeRuntimeDir(recorded);
	// The first version had it in /tmp, named after and owned by its user. Only that user can say what is there now.
	else if (input.root !== undefined && isOf(FIRST_VERSION_USER.uid))
		await runAs(FIRST_VERSION_USER, '/bin/rm', ['-rf', '--', recorded], RM_TIMEOUT_MS);
}

/** Removes the folder with the files that a server leaves in it. Any other file in it keeps the folder. */
export async function removeRuntimeDir(dir: string): Promise<void> {
	for (const name of [SOCKET_NAME, `${SOCKET_NAME}.lock`]) await unlink(join(dir, name)).catch(ignoreAbsence);
	await rmdir(dir).catch(ignoreAbsence);
}

async function makeRootsDir(input: RuntimeDirInput, root: NonNullable<RuntimeDirInput['root']>): Promise<string> {
	const parent = join(root.serverHome, ROOTS_FOLDER);
	await provideFolder(parent, 0o711);
	const dir = join(parent, usualName(input));
	if (Buffer.byteLength(join(dir, SOCKET_NAME)) > MAX_SOCKET_PATH_BYTES)
		throw new EmbeddedPostgresError('no-usable-folder', `${dir} is too long for the path of a socket`);
	// An existing one is from a killed run, perhaps with an account that it had before.
	await removeAccountFolder(dir);
	await makeAccountFolder(dir, root.user);
	return dir;
}

function usualName(input: RuntimeDirInput, uid: number = process.geteuid?.() ?? 0): string {
	const hash = createHash('sha256').update(`${input.instance}\n${input.dataDir}`).digest('hex').slice(0, 12);
	return `chancery-${uid}-${hash}`;
}

/** The session's own folder, when it has the properties that the XDG base directory specification requires, and is short. */
async function isUsableXdg({ xdgRuntimeDir }: RuntimeDirInput): Promise<boolean> {
	if (xdgRuntimeDir === undefined) return false;
	// The setting with this path is a list in which commas, quotes and spaces have a meaning.
	if (!/^\/[A-Za-z0-9/._-]+$/.test(xdgRuntimeDir)) return false;
	const longest = join(xdgRuntimeDir, `chancery-${process.geteuid?.()}-${'0'.repeat(12 + 9)}`, SOCKET_NAME);
	if (Buffer.byteLength(longest) > MAX_SOCKET_PATH_BYTES) return false;
	const found = await stat(xdgRuntimeDir).catch(() => undefined);
	return found?.isDirectory() === true && found.uid === process.geteuid?.() && (found.mode & 0o077) === 0;
}

async function claim(dir: string): Promise<boolean> {
	try {
		if ((await makeFolder(dir, 0o700)) === 'made') return true;
	} catch (cause) {
		throw new EmbeddedPostgresError('no-usable-folder', `${dir} for the database's socket cannot be made`, { cause });
	}
	// lstat: does not follow a link of another user.
	const found = await lstat(dir);
	return found.isDirectory() && found.uid === process.geteuid?.() && (found.mode & 0o7777) === 0o700;
}

function ignoreAbsence(error: NodeJS.ErrnoException): void {
	if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EISDIR', 'EPERM'].includes(error.code ?? '')) throw error;
}
