/**
 * The short private folder that holds the server's socket. Socket paths are limited to about 100 bytes, data folders
 * are not, so the socket cannot lie beside the data.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chown, lstat, mkdir, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { EmbeddedPostgresError } from './embedded-error.ts';
import type { ServerUser } from './server-user.ts';

/** Part of the socket's file name; there is no TCP, so it never clashes with anyone. */
export const SOCKET_PORT = 5432;

const SOCKET_NAME = `.s.PGSQL.${SOCKET_PORT}`;
/** `sun_path` holds 108 bytes on Linux and 104 on macOS, with the closing zero. */
const MAX_SOCKET_PATH_BYTES = 100;
const MAX_ATTEMPTS = 5;

export interface RuntimeDirInput {
	readonly dataDir: string;
	/** Random name of this data folder. Keeps the folder's name unguessable until it exists. */
	readonly instance: string;
	readonly user: ServerUser | undefined;
	readonly xdgRuntimeDir: string | undefined;
}

/**
 * Makes (or finds again) the socket folder: mode 0700, owned by the user the server runs as.
 * @throws EmbeddedPostgresError `no-usable-folder`.
 */
export async function makeRuntimeDir(input: RuntimeDirInput): Promise<string> {
	const parent = (await isUsableXdg(input)) ? (input.xdgRuntimeDir as string) : '/tmp';
	const uid = ownerOf(input);
	const usual = join(parent, usualName(input));
	// Anyone may put something of that name into /tmp first. It is never used; another name is.
	for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
		const dir = attempt === 0 ? usual : `${usual}-${randomBytes(4).toString('hex')}`;
		if (await claim(dir, uid, input.user)) return dir;
	}
	throw new EmbeddedPostgresError('no-usable-folder', `no folder for the database's socket could be made at ${usual}`);
}

/**
 * Removes the recorded folder of an earlier run, whose socket and lock file may name a process that is long gone.
 * A record that came along in a copied data folder names the folder of the original, which is left alone.
 */
export async function removeEarlierRuntimeDir(recorded: string, input: RuntimeDirInput): Promise<void> {
	if (basename(recorded).startsWith(usualName(input))) await removeRuntimeDir(recorded);
}

/** Removes the folder with what a server leaves in it. Anything else in there keeps it. */
export async function removeRuntimeDir(dir: string): Promise<void> {
	for (const name of [SOCKET_NAME, `${SOCKET_NAME}.lock`]) await unlink(join(dir, name)).catch(ignoreAbsence);
	await rmdir(dir).catch(ignoreAbsence);
}

function ownerOf({ user }: RuntimeDirInput): number {
	return user?.uid ?? process.geteuid?.() ?? 0;
}

function usualName(input: RuntimeDirInput): string {
	const hash = createHash('sha256').update(`${input.instance}\n${input.dataDir}`).digest('hex').slice(0, 12);
	return `chancery-${ownerOf(input)}-${hash}`;
}

/** The session's own folder, when it is what the XDG base directory specification promises and short enough. */
async function isUsableXdg({ xdgRuntimeDir, user }: RuntimeDirInput): Promise<boolean> {
	// Root's session folder is closed to the user that root hands the server to.
	if (user !== undefined || xdgRuntimeDir === undefined) return false;
	// The setting that carries this path is a list in which commas, quotes and spaces have a meaning.
	if (!/^\/[A-Za-z0-9/._-]+$/.test(xdgRuntimeDir)) return false;
	const longest = join(xdgRuntimeDir, `chancery-${process.geteuid?.()}-${'0'.repeat(12 + 9)}`, SOCKET_NAME);
	if (Buffer.byteLength(longest) > MAX_SOCKET_PATH_BYTES) return false;
	const found = await stat(xdgRuntimeDir).catch(() => undefined);
	return found?.isDirectory() === true && found.uid === process.geteuid?.() && (found.mode & 0o077) === 0;
}

async function claim(dir: string, uid: number, user: ServerUser | undefined): Promise<boolean> {
	try {
		await mkdir(dir, { mode: 0o700 });
		if (user !== undefined) await chown(dir, user.uid, user.gid);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
			throw new EmbeddedPostgresError('no-usable-folder', `${dir} for the database's socket cannot be made`, {
				cause: error,
			});
	}
	// lstat: a link that someone planted is not followed.
	const found = await lstat(dir);
	// A root killed between mkdir and chown left it root's own, which nobody else could have made.
	if (user !== undefined && found.isDirectory() && found.uid === 0) {
		await chown(dir, user.uid, user.gid);
		return (found.mode & 0o7777) === 0o700;
	}
	return found.isDirectory() && found.uid === uid && (found.mode & 0o7777) === 0o700;
}

function ignoreAbsence(error: NodeJS.ErrnoException): void {
	if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code ?? '')) throw error;
}
