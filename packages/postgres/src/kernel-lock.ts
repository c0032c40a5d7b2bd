/**
 * A lock of the kernel that several processes of one host take in one of three kinds, as SQLite takes them on its files
 * (https://www.sqlite.org/lockingv3.html): any number share it, one of those besides may have its turn, and one alone keeps
 * everybody else away. It ends with its process, however that ends, and it holds between two parts of one process too.
 *
 * The rules of `file-lock.ts` apply: nobody else opens the file, and nobody removes it while it is in use.
 */
import { DatabaseSync } from 'node:sqlite';
import { SQLITE_BUSY } from './file-lock.ts';

export type LockKind = 'shared' | 'turn' | 'alone';

const TAKE: Readonly<Record<LockKind, string>> = {
	// Only the first read of a transaction takes the lock.
	shared: 'begin; select count(*) from sqlite_master',
	turn: 'begin immediate',
	alone: 'begin exclusive',
};

export class KernelLock {
	readonly #database: DatabaseSync;
	#hasJournalInMemory = false;

	/** @throws {Error} when the file, which must exist, cannot be opened */
	constructor(path: string) {
		// No waiting: it would block the event loop. Whoever wants to wait tries again.
		this.#database = new DatabaseSync(path, { timeout: 0 });
	}

	/**
	 * Takes the lock, which must be free of this object, if that is possible at once. A few system calls, no I/O.
	 * @throws {Error} the error of SQLite or the file system when the file cannot be locked at all
	 */
	take(kind: LockKind): boolean {
		try {
			// Otherwise a file for it would lie beside the lock for a moment. It reads the file, so it can be refused too.
			if (!this.#hasJournalInMemory) this.#database.exec('pragma journal_mode = memory');
			this.#hasJournalInMemory = true;
			this.#database.exec(TAKE[kind]);
			return true;
		} catch (error) {
			this.free();
			if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false;
			throw error;
		}
	}

	/** Gives back what was taken. */
	free(): void {
		if (this.#database.isTransaction) this.#database.exec('rollback');
	}

	/** Frees the lock and closes its file. */
	close(): void {
		if (this.#database.isOpen) this.#database.close();
	}
}
