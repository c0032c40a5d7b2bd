/** One `up` per data folder, by the kernel's lock: a killed run leaves nothing that the next start would have to judge. */
import { constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type FileLock, lockFile } from '@chancery/postgres/file-lock';
import { openToWrite } from '@chancery/postgres/file-modes';
import { checkDataFolder } from './data-folder.ts';
import { Refusal } from './refusal.ts';

/** @throws {Refusal} when another process holds the folder, naming it, the file cannot be used, or the folder is not ours */
export async function lockFolder(path: string): Promise<FileLock> {
	await checkDataFolder(dirname(path));
	const holderFile = `${path}.pid`;
	let lock: FileLock | undefined;
	try {
		lock = await lockFile(path);
	} catch (cause) {
		throw new Refusal(`cannot lock ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
	}
	if (!lock) {
		const holder = await readFile(holderFile, 'utf8').catch(() => 'unknown');
		throw new Refusal(
			`this data folder is in use by a running chancery (process ${holder.trim()}); stop that one, or choose another folder with --data and other ports with --port-base`,
		);
	}
	// Only for the message above; nobody decides anything by it.
	await using file = await openToWrite(holderFile, constants.O_CREAT | constants.O_TRUNC, 0o600);
	await file.writeFile(`${process.pid}\n`);
	return lock;
}
