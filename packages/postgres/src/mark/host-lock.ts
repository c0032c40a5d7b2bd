/**
 * Who may use a file mark: all processes of one host, each for a moment at a time.
 *
 * Three locks of the kernel make that. The first use shares the lock at `path.lock` until the mark is closed; a command
 * that must be alone takes it alone, and so did earlier versions, which used a file by one process. Each read and write has
 * its turn on the same file. While one process waits for its turn it has `path.next`: who was just at it cannot be again
 * before, so nobody waits for ever behind a busy neighbour. A process that is killed frees what it has.
 *
 * The kernel of another host may not know these locks. So `path.host` says which host the mark belongs to, and each turn
 * reads it again: of two hosts with one folder, the first one stops as soon as the second has begun. File systems that are
 * known to be shared by hosts are refused before.
 */
import { statSync } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeLockFile } from '../file-lock.ts';
import { makeFolders } from '../file-modes.ts';
import { KernelLock, type LockKind } from '../kernel-lock.ts';
import { type HostRecord, ownHostRecord, readHostRecord, writeHostRecord } from './host-record.ts';
import { MarkError, MarkInUseError, MarkPlaceError } from './mark.ts';
import { networkFileSystemOf } from './network-file-system.ts';

/** Neighbours hold a turn as long as a write takes to be durable. A stopped process may hold it for longer. */
const TURN_WITHIN_MS = 4_000;
/** Whoever takes the lock alone to look at it has it for milliseconds. */
const SHARE_WITHIN_MS = 1_000;
const ALONE_WITHIN_MS = 250;
/** Of several that begin at once, one writes the host down; the others must look again. */
const CLAIM_TRIES = 4;
const MIN_PAUSE_MS = 1;
const MAX_PAUSE_MS = 4;

interface Held {
	readonly life: KernelLock;
	readonly turn: KernelLock;
	readonly next: KernelLock;
	/** Of the lock file: after somebody removed it, others would lock another one of the same name. */
	readonly inode: bigint;
	readonly own: HostRecord;
	kind: 'shared' | 'alone';
}

export class HostLock {
	readonly #path: string;
	#held: Held | undefined;

	/** @param path of the mark; the locks lie beside it. */
	constructor(path: string) {
		this.#path = path;
	}

	/**
	 * Does `work` while no other process of the host is at the mark. One call at a time.
	 * @throws {MarkInUseError} when the mark belongs to another host, or somebody has it alone; {MarkPlaceError} on a file
	 * system of several hosts; {MarkError} when the turn does not come, or the locks cannot be made; what `work` throws
	 */
	async turn<T>(work: () => Promise<T>): Promise<T> {
		const held = await this.#enter('announced');
		return this.#inTurn(held, async () => {
			await this.#requireOurs(held);
			return work();
		});
	}

	/**
	 * Keeps every other process away until `shareAgain` or `release`.
	 * @throws {MarkInUseError} while another process has the mark open; {MarkError} for another user than the one whose mark
	 * it is, who could not read what we write
	 */
	async takeAlone(): Promise<void> {
		// Not announced: whoever is refused wants to know who has it, and that is not itself.
		const held = await this.#enter('unannounced');
		if (held.kind === 'alone') return;
		await this.#requireOwner();
		held.life.free();
		if (await taken(held.life, 'alone', ALONE_WITHIN_MS)) {
			held.kind = 'alone';
			await writeHostRecord(this.#paths().host, held.own);
		} else {
			const refusal = this.#inUse('stop every process that has it open', held.own);
			// The next use shares it again.
			await this.release();
			throw refusal;
		}
	}

	async shareAgain(): Promise<void> {
		await this.release();
		await this.#enter('announced');
	}

	async release(): Promise<void> {
		const held = this.#held;
		this.#held = undefined;
		if (held) for (const lock of [held.turn, held.next, held.life]) lock.close();
	}

	async #enter(how: 'announced' | 'unannounced'): Promise<Held> {
		if (this.#held) return this.#held;
		const { lock, next } = this.#paths();
		let opened: KernelLock[] = [];
		try {
			await makeFolders(dirname(lock), 0o700);
			await requireOneHost(dirname(lock), this.#path);
			for (const path of [lock, next]) {
				await makeLockFile(path);
				// SQLite does not say why it cannot open a file, and opening it here to find out could drop a lock.
				await access(path, constants.R_OK | constants.W_OK);
			}
			opened = [new KernelLock(lock), new KernelLock(lock), new KernelLock(next)];
			const [life, turn, queue] = opened as [KernelLock, KernelLock, KernelLock];
			const { ino: inode } = await stat(lock, { bigint: true });
			const held: Held = { life, turn, next: queue, inode, own: await ownHostRecord(), kind: 'shared' };
			await this.#claim(held, how);
			this.#held = held;
			return held;
		} catch (cause) {
			for (const one of opened) one.close();
			if (cause instanceof MarkError) throw cause;
			throw new MarkError(`the lock ${lock} cannot be used`, { cause });
		}
	}

	/** Shares the lock, and makes sure that the host of the mark is this one. */
	async #claim(held: Held, how: 'announced' | 'unannounced'): Promise<void> {
		const { life, own } = held;
		const { host } = this.#paths();
		for (let attempt = 1; ; attempt++) {
			if (!(await taken(life, 'shared', SHARE_WITHIN_MS))) throw this.#inUse('wait until that has ended', own);
			const isOurs = await this.#inTurn(held, async () => {
				const known = readHostRecord(host);
				if (known && known.host !== own.host) return false;
				// Also when it is there: for the name in messages.
				if (!known || how === 'announced') await writeHostRecord(host, own);
				return true;
			});
			if (isOurs) return;
			// Of an earlier start of this host, or of one that was shut down: then nobody is left who shares the lock.
			life.free();
			if (await taken(life, 'alone', ALONE_WITHIN_MS)) {
				await writeHostRecord(host, own);
				life.free();
			} else if (attempt === CLAIM_TRIES) throw this.#inUse(OTHER_HOST, own);
		}
	}

	async #requireOwner(): Promise<void> {
		const { lock } = this.#paths();
		const { uid } = await stat(lock);
		const own = process.geteuid?.() ?? uid;
		if (uid !== own)
			throw new MarkError(
				`the mark ${this.#path} belongs to the user with the id ${uid}, and this is the one with the id ${own}: run the command as that user, who could not use the mark afterwards`,
			);
	}

	async #inTurn<T>(held: Held, work: () => Promise<T>): Promise<T> {
		if (held.kind === 'alone') return work();
		const { turn, next } = held;
		const deadline = performance.now() + TURN_WITHIN_MS;
		const remaining = () => Math.max(0, deadline - performance.now());
		try {
			const isNext = await taken(next, 'turn', remaining());
			if (!isNext || !(await taken(turn, 'turn', remaining())))
				throw new MarkError(
					`the mark ${this.#path} was busy for ${TURN_WITHIN_MS / 1000} s: its disk is slow, or a process that has it is stopped`,
				);
			next.free();
			return await work();
		} finally {
			next.free();
			turn.free();
		}
	}

	async #requireOurs({ own, inode }: Held): Promise<void> {
		const { lock, host } = this.#paths();
		let now: bigint | undefined;
		let known: HostRecord | undefined;
		try {
			now = statSync(lock, { bigint: true, throwIfNoEntry: false })?.ino;
			known = readHostRecord(host);
		} catch (cause) {
			throw new MarkError(`the lock ${lock} cannot be read`, { cause });
		}
		if (now !== inode)
			throw new MarkError(
				`the lock ${lock} was removed while it was in use: stop every process that has this mark open, and start again`,
			);
		// Somebody removed it. Another host that begins now finds ours, or we find its own in our next turn.
		if (!known)
			await writeHostRecord(host, own).catch((cause: unknown) => {
				throw new MarkError(`the record ${host} cannot be written`, { cause });
			});
		else if (known.host !== own.host) throw this.#inUse(OTHER_HOST, own);
	}

	#inUse(wayOn: string, own?: HostRecord): MarkInUseError {
		const last = this.#lastRecord();
		const isOther = last && !(last.process === own?.process && last.name === own.name);
		const who = isOther ? `process ${last.process} on ${last.name}` : 'another process';
		return new MarkInUseError(`the mark ${this.#path} is in use by ${who}: ${wayOn}`);
	}

	#lastRecord(): HostRecord | undefined {
		try {
			return readHostRecord(this.#paths().host);
		} catch {
			return undefined;
		}
	}

	#paths() {
		return { lock: `${this.#path}.lock`, next: `${this.#path}.next`, host: `${this.#path}.host` };
	}
}

const OTHER_HOST =
	'that is another host, and a file is for the processes of one; several hosts share markDatabase or markBucket';

async function requireOneHost(folder: string, path: string): Promise<void> {
	const name = await networkFileSystemOf(folder);
	if (name === undefined) return;
	throw new MarkPlaceError(
		`the mark ${path} would lie on ${name}, whose locks do not keep other hosts away: put it on a disk of this host, or use markDatabase or markBucket, which several hosts can share`,
	);
}

/** Tries until it is taken or the time is over. The pauses differ, so that nobody always comes just after another. */
async function taken(lock: KernelLock, kind: LockKind, withinMs: number): Promise<boolean> {
	const deadline = performance.now() + withinMs;
	while (!lock.take(kind)) {
		if (performance.now() > deadline) return false;
		await sleep(MIN_PAUSE_MS + Math.random() * (MAX_PAUSE_MS - MIN_PAUSE_MS));
	}
	return true;
}
