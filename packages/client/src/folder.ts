/** Making a folder, with an answer also where there cannot be one. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes the folder and those above it, all with `mode`; what is there already stays as it is. Not by the `recursive` of
 * mkdir: that calls a file system that cannot be written a missing folder.
 * @throws the system's error when the folder cannot be made
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
	try {
		await mkdir(path, { mode });
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		const found = await stat(path).catch(() => undefined);
		if (found?.isDirectory()) return;
		const parent = dirname(path);
		if (code !== 'ENOENT' || parent === path || (await stat(parent).catch(() => undefined))) throw error;
		await makeFolder(parent, mode);
		await mkdir(path, { mode });
	}
}
