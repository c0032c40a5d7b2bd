/**
 * A lock that the kernel keeps. It ends with its process, however that ends, so nobody has to decide whether a leftover
 * file still means anything. It is the exclusive lock of an (empty) SQLite file, because Node has no other portable
 * kernel lock. SQLite ensures that two locks of one process exclude each other too.
 *
 * The file stays when the lock is released: after removing it, two processes could lock two different files. Nobody may
 * read the file, because closing any other descriptor of it would drop the lock (POSIX).
 */
import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';

export interface FileLock {
	release(): void;
}

/** `errcode` of an error: somebody else has the lock. */
export const SQLITE_BUSY = 5;
/** Without waiting, two processes that try at the same time could both be refused. */
const LOCK_TIMEOUT_MS = 250;

/**
 * Takes the lock of the file at `path`, which is made (0600) when it is missing; its folder must exist. Returns undefined
 * when another process has the lock.
 * @param timeoutMs how long to wait; blocks this process. 0 for a caller that tries again itself.
 * @throws {Error} the error of the file system when the file cannot be made or opened
 */
export async function lockFile(path: string, timeoutMs: number = LOCK_TIMEOUT_MS): Promise<FileLock | undefined> {
	await makeLockFile(path);
	const database = new DatabaseSync(path, { timeout: timeoutMs });
	try {
		// Without the journal in memory, a file for it would lie beside the lock for a moment.
		database.exec('pragma journal_mode = memory; pragma locking_mode = exclusive; begin exclusive');
	} catch (error) {
		database.close();
		if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return undefined;
		throw error;
	}
	let isHeld = true;
	return {
		release() {
			if (isHeld) database.close();
			isHeld = false;
		},
	};
}

/**
 * Makes the file of a lock, unless it is there.
 * With O_EXCL: opening and closing an existing file could drop the lock of another part of this process.
 */
export async function makeLockFile(path: string): Promise<void> {
	try {
		await (await open(path, 'wx', 0o600)).close();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
	}
}
