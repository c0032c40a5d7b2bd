/** Makes a folder, and fails with an error, also where `mkdir` of Node would not. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes the folder and its parents, all with `mode`; existing ones are not changed. Does not use the `recursive` option
 * of mkdir, which reports a read-only file system as a missing folder.
 * @throws {Error} the system's error when the folder cannot be made
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
