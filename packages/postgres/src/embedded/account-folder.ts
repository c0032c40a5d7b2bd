/**
 * What root does with folders of the database's account. An attacker who runs as that account may put links there and
 * replace folders at any moment, so root follows no name in them. It gives a folder away while it is empty and still
 * root's, reads only files that are no links, and leaves everything else to processes that run as the owner.
 *
 * The only place that changes owners; `.ci/house.ts` checks that. An ordinary user owns everything anyway.
 */
import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '../file-modes.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { waitUntil } from './process-identity.ts';
import { runAs, type ServerUser } from './server-user.ts';

/** A start that was killed may have left an `initdb`, which continues to fill its folder until its next step. */
const MAX_REMOVAL_WAIT_MS = 5_000;
const REMOVAL_TIMEOUT_MS = 300_000;

const DRAFT = '.new-';

/**
 * Makes an empty folder, mode 0700, for `user` or for ourselves. Only we may be able to write the folders above it: then
 * nobody can replace it before it is given away, which uses its descriptor. A crash between the two steps leaves an
 * empty folder of root's.
 * @throws {Error} with the code of the system, EEXIST when `path` exists
 */
export async function makeAccountFolder(path: string, user: ServerUser | undefined): Promise<void> {
	if ((await makeFolder(path, 0o700)) === 'exists')
		throw Object.assign(new Error(`${path} is there already`), { code: 'EEXIST' });
	if (user === undefined) return;
	const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
	try {
		await folder.chown(user.uid, user.gid);
	} finally {
		await folder.close();
	}
}

/** Name for something beside `path` that is not complete yet: see `removeDrafts`. */
export function draftOf(path: string): string {
	return `${path}${DRAFT}${randomBytes(6).toString('hex')}`;
}

/** Removes what starts that were killed left beside `path`. */
export async function removeDrafts(path: string): Promise<void> {
	for (const name of await readdir(dirname(path)))
		if (name.startsWith(`${basename(path)}${DRAFT}`)) await removeAccountFolder(join(dirname(path), name));
}

/**
 * Removes a folder with its content, as its owner. Root itself removes only the name in root's own folder.
 * @throws {EmbeddedPostgresError} `no-usable-folder` when something is left
 */
export async function removeAccountFolder(path: string): Promise<void> {
	let why = '';
	const isGone = async () => {
		const found = await lstatOrNothing(path);
		if (found === undefined) return true;
		why = await removeAsOwner(path, found);
		return (await lstatOrNothing(path)) === undefined;
	};
	if (await waitUntil(isGone, MAX_REMOVAL_WAIT_MS)) return;
	throw new EmbeddedPostgresError('no-usable-folder', `${path} cannot be removed by its owner, remove it: ${why}`);
}

async function removeAsOwner(path: string, { uid, gid, isDirectory }: Owned): Promise<string> {
	const isRoot = process.geteuid?.() === 0;
	try {
		if (!isDirectory) await unlink(path);
		else if (!isRoot) await rm(path, { recursive: true });
		else {
			// The owner empties the folder; its name is in root's folder. A folder of root's has not been given away yet.
			const { said } =
				uid === 0 ? { said: '' } : await runAs({ uid, gid }, '/bin/rm', ['-rf', '--', path], REMOVAL_TIMEOUT_MS);
			await rmdir(path).catch((error: Error) => {
				throw new Error(`${error.message} ${said}`);
			});
		}
		return '';
	} catch (error) {
		return (error as Error).message;
	}
}

/**
 * The beginning of a file in a folder of the account. Undefined when there is none, or when it is a link or not a file:
 * reading a pipe would wait for ever.
 */
export async function readAccountFile(path: string, maxBytes: number): Promise<string | undefined> {
	const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
	const file = await open(path, flags).catch(() => undefined);
	if (file === undefined) return undefined;
	try {
		if (!(await file.stat()).isFile()) return undefined;
		const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(maxBytes), position: 0 });
		return buffer.subarray(0, bytesRead).toString('latin1');
	} finally {
		await file.close();
	}
}

interface Owned {
	readonly uid: number;
	readonly gid: number;
	readonly isDirectory: boolean;
}

/** The owner of a path; for a link, of the link itself. Undefined when nothing is there. */
export async function lstatOrNothing(path: string): Promise<Owned | undefined> {
	const found: Stats | undefined = await lstat(path).catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
		throw error;
	});
	return found && { uid: found.uid, gid: found.gid, isDirectory: found.isDirectory() };
}
