/**
 * Files and folders with exactly the intended mode. The umask of the calling process changes the mode given to `mkdir` and
 * `open`: 077 would hide from the database's account what it must read, and 000 would let everybody write. The only
 * place that makes what others may read; `.ci/house.ts` checks that.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const PERMISSIONS = 0o7777;

/**
 * Makes a folder; an existing one is not changed.
 * @throws {Error} the system's error when it cannot be made
 */
export async function makeFolder(path: string, mode: number): Promise<'made' | 'exists'> {
	try {
		await mkdir(path, { mode });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists';
		throw error;
	}
	await setFolderMode(path, mode);
	return 'made';
}

/** Makes a folder of ours, or sets the mode of an existing one: a crash may have come between making it and setting the mode. */
export async function provideFolder(path: string, mode: number): Promise<void> {
	if ((await makeFolder(path, mode)) === 'exists') await setFolderMode(path, mode);
}

/**
 * Makes the folder and its parents, all with `mode`; existing ones are not changed. Does not use the `recursive` option of
 * mkdir, which reports a read-only file system as a missing folder, and never ends on /proc.
 * @throws {Error} the system's error when the folder cannot be made
 */
export async function makeFolders(path: string, mode: number): Promise<void> {
	try {
		await makeFolder(path, mode);
	} catch (error) {
		const parent = dirname(path);
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || (await isThere(parent))) throw error;
		await makeFolders(parent, mode);
		await makeFolder(path, mode);
	}
}

/**
 * Sets the mode of a folder of ours, never of the target of a link.
 * @throws {Error} the system's error when it is not ours, not a folder, or a link
 */
export async function setFolderMode(path: string, mode: number): Promise<void> {
	const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
	try {
		await setMode(folder, mode);
	} finally {
		await folder.close();
	}
}

/**
 * Opens a file of ours for writing and sets its mode, also when it exists; a link is not followed.
 * @param flags besides writing: `O_CREAT` with `O_TRUNC`, `O_APPEND` or `O_EXCL`
 */
export async function openToWrite(path: string, flags: number, mode: number): Promise<FileHandle> {
	const file = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW | flags, mode);
	try {
		await setMode(file, mode);
		return file;
	} catch (error) {
		await file.close();
		throw error;
	}
}

/**
 * Replaces `path`. A crash before the rename leaves the old file and a `.new` beside it, which the next write
 * replaces; a crash after it leaves the new file.
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode: number): Promise<void> {
	const fresh = `${path}.new`;
	const file = await openToWrite(fresh, constants.O_CREAT | constants.O_TRUNC, mode);
	try {
		await file.writeFile(content);
		await file.sync();
	} finally {
		await file.close();
	}
	await rename(fresh, path);
	await syncFolder(dirname(path));
}

/** A name in a folder is durable only after the folder itself is synced. */
export async function syncFolder(path: string): Promise<void> {
	const folder = await open(path, 'r');
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}

async function setMode(file: FileHandle, mode: number): Promise<void> {
	if (((await file.stat()).mode & PERMISSIONS) !== mode) await file.chmod(mode);
}

async function isThere(path: string): Promise<boolean> {
	return stat(path).then(
		() => true,
		() => false,
	);
}
