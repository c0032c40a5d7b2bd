/**
 * The mark as a file, for all processes of one host. Keep it outside the data folder and outside of backups.
 *
 * Every read and every change is made under the lock of the kernel (host-lock.ts) and starts from the file: no process
 * knows what another has written since. A change writes a new file, syncs it, renames it over the old one, and syncs the
 * folder: after a crash there is either the old mark or the new one, complete. The old one is safe, because nothing with
 * the new checkpoint has left the process yet.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { openToWrite, syncFolder, writeDurably } from '../file-modes.ts';
import { inspectFileMark } from './file-inspection.ts';
import { HostLock } from './host-lock.ts';
import { type AdoptableMarkStore, type Mark, MarkError } from './mark.ts';
import { formatStoredMark, parseStoredMark, type StoredMark, supersedes } from './mark-format.ts';

const FILE_MODE = 0o600;
/** At least as much as a mark needs. */
const PROBE = new Uint8Array(4_096);

/** The mark in the file at `path`; its folder is made when it is missing. */
export function openFileMark(path: string): AdoptableMarkStore {
	const lock = new HostLock(path);
	/** What is known to be on the disk, as this process wrote or confirmed it. */
	let durable: string | undefined;

	/** What the file holds, and surely goes on to hold: its writer may have been killed between renaming and syncing. */
	const load = async (): Promise<StoredMark | undefined> => {
		const text = await readText(path);
		const stored = text === undefined ? undefined : parseStoredMark(text, path);
		if (text !== undefined && text !== durable) {
			await syncFolder(dirname(path)).catch((cause: unknown) => {
				throw new MarkError(`the mark ${path} cannot be read`, { cause });
			});
			durable = text;
		}
		return stored;
	};

	const save = async (stored: StoredMark): Promise<void> => {
		const text = formatStoredMark(stored);
		try {
			await writeDurably(path, text, FILE_MODE);
			durable = text;
		} catch (cause) {
			throw new MarkError(`the mark ${path} cannot be written`, { cause });
		}
	};

	/** Its name. The first process that asks gives it one: the others that start at the same time must find the same. */
	const named = async (): Promise<StoredMark> => {
		const stored = await load();
		if (stored) return stored;
		const fresh = { holder: randomUUID(), mark: undefined };
		await save(fresh);
		return fresh;
	};

	// One at a time in this process too.
	let last: Promise<unknown> = Promise.resolve();
	const inOrder = <T>(work: () => Promise<T>): Promise<T> => {
		const mine = last.then(work, work);
		last = mine.catch(() => undefined);
		return mine;
	};
	const inTurn = <T>(work: () => Promise<T>): Promise<T> => inOrder(() => lock.turn(work));

	let isAlone = false;
	return {
		read: () => inTurn(async () => (await load())?.mark),
		advance: (mark) =>
			inTurn(async () => {
				const { holder, mark: stored } = (await load()) ?? { holder: randomUUID(), mark: undefined };
				if (stored && !supersedes(mark, stored, path)) return;
				await save({ holder, mark });
			}),
		replace: (mark) =>
			inOrder(async () => {
				if (!isAlone) await lock.takeAlone();
				// An operator sets the mark again also when the old file cannot be parsed.
				try {
					await lock.turn(() => save({ holder: randomUUID(), mark }));
				} finally {
					if (!isAlone) await lock.shareAgain();
				}
			}),
		takeAlone: () =>
			inOrder(async () => {
				await lock.takeAlone();
				isAlone = true;
				return () =>
					inOrder(async () => {
						if (!isAlone) return;
						isAlone = false;
						await lock.shareAgain();
					});
			}),
		holder: () => inTurn(async () => (await named()).holder),
		probe: () => inTurn(() => probe(path)),
		inspect: () => inspectFileMark(path),
		close: () =>
			inOrder(async () => {
				isAlone = false;
				await lock.release();
			}),
	};
}

/** The mark in a file, for a reader that does not use it and may read at any moment. Throws MarkError. */
export async function readFileMark(path: string): Promise<Mark | undefined> {
	const text = await readText(path);
	return text === undefined ? undefined : parseStoredMark(text, path).mark;
}

async function readText(path: string): Promise<string | undefined> {
	return readFile(path, 'utf8').catch((cause: unknown) => {
		if ((cause as { code?: string }).code === 'ENOENT') return undefined;
		throw new MarkError(`the mark ${path} cannot be read`, { cause });
	});
}

/** What a write of the mark needs, in a turn as a write has it: its file beside the mark, and room for it on the disk. */
async function probe(path: string): Promise<void> {
	const beside = `${path}.new`;
	try {
		const file = await openToWrite(beside, constants.O_CREAT | constants.O_TRUNC, FILE_MODE);
		try {
			await file.writeFile(PROBE);
			await file.sync();
		} finally {
			await file.close();
			await rm(beside, { force: true });
		}
	} catch (cause) {
		throw new MarkError(`the mark ${path} could not be written now`, { cause });
	}
}
