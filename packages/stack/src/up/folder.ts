/** Making folders that have to be there, with an answer also where there cannot be one. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes the folder and those above it, all with `mode`; what is there already stays as it is. Not by the `recursive` of
 * mkdir: that calls a file system that cannot be written a missing folder, and on /proc it never ends.
 * @throws the system's error when the folder cannot be made
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
	try {
		await mkdir(path, { mode });
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'EEXIST') return;
		const parent = dirname(path);
		if (code !== 'ENOENT' || (await isThere(parent))) throw error;
		await makeFolder(parent, mode);
		await mkdir(path, { mode });
	}
}

async function isThere(path: string): Promise<boolean> {
	return stat(path).then(
		() => true,
		() => false,
	);
}
