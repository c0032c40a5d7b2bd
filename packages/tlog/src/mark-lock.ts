/**
 * Who may move a file mark (or have a folder of exports). Node has no file locks, so this is a file that names its owner.
 *
 * A second process is refused while the first one lives. What this cannot see (another process-id namespace on a shared
 * volume) is caught from the other side: whoever finds a foreign name in the file has lost the mark and stops writing.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { processIdentity } from '@chancery/postgres/process-identity';
import { MarkError, MarkInUseError } from './mark.ts';

interface Owner {
	readonly pid: number;
	/** Tells this process from later ones with the same number. */
	readonly identity: string | undefined;
	readonly host: string;
	readonly token: string;
}

export class MarkLock {
	readonly #path: string;
	readonly #token = randomUUID();
	readonly #guarded: string;
	#held = false;

	/** `guarded` is what the messages call the thing that one process may use. */
	constructor(path: string, guarded = 'mark') {
		this.#path = path;
		this.#guarded = guarded;
	}

	/**
	 * Takes the lock, or checks that it still is ours.
	 * @throws MarkInUseError while another living process of this host has it, MarkError once another process has taken it over.
	 */
	async hold(): Promise<void> {
		if (this.#held) {
			const owner = await this.#read();
			if (owner?.token === this.#token) return;
			throw new MarkError(
				`the lock ${this.#path} was taken over${owner ? ` by ${nameOf(owner)}` : ''}: one process per ${this.#guarded}`,
			);
		}
		await mkdir(dirname(this.#path), { recursive: true });
		if (!(await this.#create())) {
			const owner = await this.#read();
			if (owner && (await isAlive(owner)))
				throw new MarkInUseError(
					`the ${this.#guarded} is in use by ${nameOf(owner)}: one process per ${this.#guarded}`,
				);
			// Left behind by a process that was killed. Two starters may both come here; the later write wins and the
			// other one notices at its next use.
			await writeFile(this.#path, await this.#claim(), { mode: 0o600 });
		}
		this.#held = true;
	}

	async release(): Promise<void> {
		if (!this.#held) return;
		this.#held = false;
		const owner = await this.#read().catch(() => undefined);
		if (owner?.token === this.#token) await rm(this.#path, { force: true });
	}

	async #create(): Promise<boolean> {
		try {
			const file = await open(this.#path, 'wx', 0o600);
			try {
				await file.writeFile(await this.#claim());
			} finally {
				await file.close();
			}
			return true;
		} catch (cause) {
			if ((cause as { code?: string }).code === 'EEXIST') return false;
			throw new MarkError(`the lock ${this.#path} cannot be made`, { cause });
		}
	}

	async #claim(): Promise<string> {
		const identity = await processIdentity(process.pid);
		const owner: Owner = { pid: process.pid, identity, host: hostname(), token: this.#token };
		return JSON.stringify(owner);
	}

	async #read(): Promise<Owner | undefined> {
		try {
			return JSON.parse(await readFile(this.#path, 'utf8')) as Owner;
		} catch (cause) {
			// Gone, or cut off by a crash while it was written: nobody's.
			if (cause instanceof SyntaxError || (cause as { code?: string }).code === 'ENOENT') return undefined;
			throw new MarkError(`the lock ${this.#path} cannot be read`, { cause });
		}
	}
}

function nameOf(owner: Owner): string {
	return `process ${owner.pid} on ${owner.host}`;
}

/** Only a process of this host can be asked. */
async function isAlive(owner: Owner): Promise<boolean> {
	if (owner.host !== hostname() || !Number.isSafeInteger(owner.pid)) return false;
	const identity = await processIdentity(owner.pid);
	return identity !== undefined && identity === owner.identity;
}
