/**
 * Files and folders with exactly the mode that is meant. The mode given to `mkdir` and `open` is cut by the umask of
 * whoever started us, and a missing one is opened by it: 077 would close to the database's account what it must read,
 * 000 would let everybody write. The one place that makes what others may read; `.ci/house.ts` sees to it.
 */
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const PERMISSIONS = 0o7777;

/**
 * Makes a folder; one that is there stays as it is.
 * @throws the system's error when there can be none
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

/** Makes a folder of ours, or gives the one that is there the mode: a crash may have come between making and that. */
export async function provideFolder(path: string, mode: number): Promise<void> {
	if ((await makeFolder(path, mode)) === 'exists') await setFolderMode(path, mode);
}

/**
 * Makes the folder and those above it, all with `mode`; what is there already stays as it is. Not by the `recursive` of
 * mkdir: that calls a file system that cannot be written a missing folder, and on /proc it never ends.
 * @throws the system's error when the folder cannot be made
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
 * Sets the mode of a folder of ours, never of what a link leads to.
 * @throws the system's error when it is not ours, not a folder, or a link
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
 * Opens a file of ours for writing and gives it the mode, also when it was there; a link is not followed.
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

/** Names in the folder are durable only when it is synced itself. */
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
