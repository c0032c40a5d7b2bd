/**
 * A lock that the kernel keeps: it goes with its process however that ends, so nobody ever has to judge whether a file
 * that was left behind still means anything. Held as the exclusive lock of an (empty) SQLite file, because Node has no
 * other portable way to one; SQLite sees to it that two locks of one process exclude each other as well.
 *
 * The file stays when the lock is released: removing it would let two others lock two different files. Nobody may read
 * it, because closing any other descriptor of it would drop the lock (POSIX).
 */
import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';

export interface FileLock {
	release(): void;
}

const SQLITE_BUSY = 5;
/** Of two who come at once, both would be refused without it. */
const LOCK_TIMEOUT_MS = 250;

/**
 * Takes the lock of the file at `path`, which is made (0600) when it is missing; its folder must be there.
 * Undefined when somebody else holds it. Throws whatever the file system says.
 * @param timeoutMs during which this process stands still; 0 for who comes again by himself.
 */
export async function lockFile(path: string, timeoutMs: number = LOCK_TIMEOUT_MS): Promise<FileLock | undefined> {
	await makeFile(path);
	const database = new DatabaseSync(path, { timeout: timeoutMs });
	try {
		database.exec('pragma locking_mode = exclusive; begin exclusive');
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

/** Exclusively: opening and closing a file that is there could drop the lock of another part of this process. */
async function makeFile(path: string): Promise<void> {
	try {
		await (await open(path, 'wx', 0o600)).close();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
	}
}
