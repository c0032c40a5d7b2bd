/** Files that are there completely or not at all, also after a power cut. */
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Replaces `path`. A crash before the rename leaves the old file and a `.new` beside it, which the next write
 * replaces; a crash after it leaves the new file.
 */
export async function writeDurably(path: string, content: string | Uint8Array, mode: number): Promise<void> {
	const temporary = `${path}.new`;
	const file = await open(temporary, 'w', mode);
	try {
		await file.writeFile(content);
		await file.sync();
	} finally {
		await file.close();
	}
	await rename(temporary, path);
	const folder = await open(dirname(path), 'r');
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}
