/**
 * One `up` per data folder. The lock is the kernel's lock on an (empty) SQLite file, so it goes with its process
 * however that ends: a killed run leaves nothing that the next start would have to judge.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { Refusal } from './refusal.ts';

const SQLITE_BUSY = 5;
/** Long enough that of two who come at once one gets it, and has written who it is before the other looks. */
const PATIENCE_MS = 250;

export interface FolderLock {
	release(): void;
}

/** @throws Refusal when another process holds the folder, naming it, or the file cannot be used */
export async function lockFolder(path: string): Promise<FolderLock> {
	const holderFile = `${path}.pid`;
	let database: DatabaseSync | undefined;
	try {
		database = new DatabaseSync(path, { timeout: PATIENCE_MS });
		database.exec('pragma locking_mode = exclusive; begin exclusive');
	} catch (error) {
		database?.close();
		if ((error as { errcode?: number }).errcode !== SQLITE_BUSY)
			throw new Refusal(`cannot lock ${path}: ${error instanceof Error ? error.message : String(error)}`, {
				cause: error,
			});
		const holder = await readFile(holderFile, 'utf8').catch(() => 'unknown');
		throw new Refusal(
			`this data folder is in use by a running chancery (process ${holder.trim()}); stop that one, or choose another folder with --data and other ports with --port-base`,
		);
	}
	// Only for the message above; nobody decides anything by it.
	await writeFile(holderFile, `${process.pid}\n`, { mode: 0o600 });
	const held = database;
	return { release: () => held.close() };
}
