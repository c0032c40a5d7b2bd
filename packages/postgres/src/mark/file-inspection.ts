/** Looks at the file of a mark without using it: no lock is taken, and nothing is made. */
import { constants } from 'node:fs';
import { access, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MarkError, type MarkInspection } from './mark.ts';
import { parseStoredMark } from './mark-format.ts';
import { networkFileSystemOf } from './network-file-system.ts';

/** @throws {MarkError} when the file is there and cannot be read or made out */
export async function inspectFileMark(path: string): Promise<MarkInspection> {
	const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
		if (cause.code === 'ENOENT') return undefined;
		throw new MarkError(`the mark ${path} cannot be read`, { cause });
	});
	const stored = text === undefined ? undefined : parseStoredMark(text, path);
	const folder = await nearestFolder(dirname(path));
	return {
		where: path,
		mark: stored?.mark,
		holder: stored?.holder,
		obstacle: await obstacleIn(folder, path),
		folder,
		clockMs: undefined,
	};
}

/** The folders above are made by whoever first writes the mark. */
async function nearestFolder(path: string): Promise<string> {
	const found = await stat(path).catch(() => undefined);
	return found || dirname(path) === path ? path : nearestFolder(dirname(path));
}

/** A write makes files beside the mark and renames one over it: the folder decides, not the mode of the file. */
async function obstacleIn(folder: string, path: string): Promise<string | undefined> {
	const { isDirectory } = await stat(folder).then(
		(found) => ({ isDirectory: found.isDirectory() }),
		() => ({ isDirectory: false }),
	);
	if (!isDirectory) return `${folder} is not a folder`;
	const network = await networkFileSystemOf(folder);
	if (network !== undefined) return `${folder} lies on ${network}, whose locks do not keep other hosts away`;
	for (const needed of [folder, `${path}.lock`, `${path}.next`]) {
		const mode = needed === folder ? constants.W_OK | constants.X_OK : constants.R_OK | constants.W_OK;
		const code = await access(needed, mode).then(
			() => undefined,
			(error: NodeJS.ErrnoException) => error.code,
		);
		if (code !== undefined && (code !== 'ENOENT' || needed === folder))
			return `this user may not write ${needed} (${code})`;
	}
	return undefined;
}
