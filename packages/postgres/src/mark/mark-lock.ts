/**
 * Which process may use a folder of exports: one, as long as it lives. A mark is shared by the processes of a host, and has
 * locks of its own (host-lock.ts).
 */
import { readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { type FileLock, lockFile } from '../file-lock.ts';
import { makeFolders } from '../file-modes.ts';
import { MarkError, MarkInUseError } from './mark.ts';

export class MarkLock {
	readonly #path: string;
	readonly #guarded: string;
	#held: FileLock | undefined;

	/** `guarded` is what messages call the thing that only one process may use. */
	constructor(path: string, guarded: string) {
		this.#path = path;
		this.#guarded = guarded;
	}

	/**
	 * Takes the lock unless it is held already.
	 * @throws {MarkInUseError} while another living process has it, {MarkError} when the file cannot be used.
	 */
	async hold(): Promise<void> {
		if (this.#held) return;
		try {
			await makeFolders(dirname(this.#path), 0o700);
			const lock = await lockFile(this.#path);
			// Two calls of this process may come here at the same time; then the other call has the lock.
			if (!lock && this.#held) return;
			if (!lock) throw new MarkInUseError(await this.#inUse());
			this.#held = lock;
			// Only for the message; it decides nothing.
			await writeFile(`${this.#path}.pid`, `process ${process.pid} on ${hostname()}`, { mode: 0o600 });
		} catch (cause) {
			if (cause instanceof MarkError) throw cause;
			throw new MarkError(`the lock ${this.#path} cannot be made`, { cause });
		}
	}

	async release(): Promise<void> {
		this.#held?.release();
		this.#held = undefined;
	}

	async #inUse(): Promise<string> {
		const holder = await readFile(`${this.#path}.pid`, 'utf8').catch(() => 'another process');
		return `the ${this.#guarded} is in use by ${holder}: one process per ${this.#guarded}`;
	}
}
