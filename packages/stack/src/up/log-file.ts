/** The log of an instance: one file, and the one before it, so that a long life does not fill the disk. */
import { open, rename, stat } from 'node:fs/promises';
import type { DataFolder } from './data-folder.ts';

const MAX_BYTES = 20 * 1024 * 1024;

/** Opens the log for appending; past 20 MiB a new one is begun. Lines are written as they come. */
export async function openLogFile(folder: DataFolder): Promise<{ write(line: string): void }> {
	const { size } = await stat(folder.logFile).catch(() => ({ size: 0 }));
	if (size > MAX_BYTES) await rename(folder.logFile, `${folder.logFile}.1`);
	const file = await open(folder.logFile, 'a', 0o600);
	const stream = file.createWriteStream();
	return { write: (line) => void stream.write(line) };
}
