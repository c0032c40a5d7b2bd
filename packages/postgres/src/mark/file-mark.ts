/**
 * The mark as a file, for one process on one host. Keep it outside the data folder and outside of backups.
 *
 * The file is one JSON object with a checksum over the rest. Every change writes a new file, syncs it, renames it over the
 * old one, and syncs the folder: after a crash there is either the old mark or the new one, complete. The old one is safe,
 * because nothing with the new checkpoint has left the process yet.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolders, writeDurably } from '../file-modes.ts';
import { type AdoptableMarkStore, type Mark, MarkError } from './mark.ts';
import { MarkLock } from './mark-lock.ts';

const VERSION = 1;

interface StoredMark {
	readonly holder: string;
	readonly mark: Mark;
}

/**
 * The mark in the file at `path`; its folder is made when it is missing. The first use locks `path + '.lock'`: otherwise two
 * processes with one file would each assume that they alone move it.
 */
export function openFileMark(path: string): AdoptableMarkStore {
	const lock = new MarkLock(`${path}.lock`);
	const freshHolder = randomUUID();

	const load = async (): Promise<StoredMark | undefined> => {
		await lock.hold();
		return readStoredMark(path);
	};

	const save = async (stored: StoredMark): Promise<void> => {
		try {
			await write(path, formatStoredMark(stored));
		} catch (cause) {
			throw new MarkError(`the mark ${path} cannot be written`, { cause });
		}
	};

	// One change at a time: each one reads what the previous one has written.
	let last: Promise<unknown> = Promise.resolve();
	const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
		const mine = last.then(work, work);
		last = mine.catch(() => undefined);
		return mine;
	};

	return {
		read: () => inTurn(async () => (await load())?.mark),
		advance: (mark) =>
			inTurn(async () => {
				const stored = await load();
				if (stored && !supersedes(mark, stored.mark, path)) return;
				await save({ holder: stored?.holder ?? freshHolder, mark });
			}),
		replace: (mark) =>
			inTurn(async () => {
				// An operator sets the mark again also when the old file cannot be parsed.
				await lock.hold();
				await save({ holder: freshHolder, mark });
			}),
		holder: () => inTurn(async () => (await load())?.holder ?? freshHolder),
		close: () => inTurn(() => lock.release()),
	};
}

/** The mark in a file, for a reader that may read while another process has the mark. Throws MarkError. */
export async function readFileMark(path: string): Promise<Mark | undefined> {
	return (await readStoredMark(path))?.mark;
}

async function readStoredMark(path: string): Promise<StoredMark | undefined> {
	const text = await readFile(path, 'utf8').catch((cause: unknown) => {
		if ((cause as { code?: string }).code === 'ENOENT') return undefined;
		throw new MarkError(`the mark ${path} cannot be read`, { cause });
	});
	return text === undefined ? undefined : parseStoredMark(text, path);
}

/** True when `next` must replace `stored`. */
function supersedes(next: Mark, stored: Mark, path: string): boolean {
	if (Buffer.compare(next.keyId, stored.keyId) !== 0)
		throw new MarkError(
			`the mark ${path} belongs to ${stored.origin} (key ${stored.keyId.toHex()}), not to ${next.origin} (key ${next.keyId.toHex()})`,
		);
	if (next.size === stored.size && Buffer.compare(next.root, stored.root) !== 0)
		throw new MarkError(
			`the mark ${path} has root ${stored.root.toHex()} at size ${stored.size}, not ${next.root.toHex()}`,
		);
	return next.size > stored.size;
}

function formatStoredMark({ holder, mark }: StoredMark): string {
	const fields = {
		version: VERSION,
		holder,
		origin: mark.origin,
		keyId: mark.keyId.toHex(),
		size: mark.size,
		root: mark.root.toHex(),
		note: mark.note.toBase64(),
	};
	return `${JSON.stringify({ ...fields, checksum: checksum(fields) }, undefined, '\t')}\n`;
}

/** Accepts only what `formatStoredMark` wrote: an incomplete mark must never count as an older one. */
function parseStoredMark(text: string, path: string): StoredMark {
	try {
		const { checksum: stated, ...fields } = JSON.parse(text) as Record<string, unknown>;
		const { version, holder, origin, keyId, size, root, note } = fields;
		if (version !== VERSION) throw new MarkError(`its version is ${String(version)}, known is ${VERSION}`);
		if (stated !== checksum(fields)) throw new MarkError('its checksum does not fit');
		if (typeof holder !== 'string' || typeof origin !== 'string' || !Number.isSafeInteger(size))
			throw new MarkError('a field has the wrong type');
		const mark = {
			origin,
			keyId: Uint8Array.fromHex(String(keyId)),
			size: size as number,
			root: Uint8Array.fromHex(String(root)),
			note: Uint8Array.fromBase64(String(note)),
		};
		if (mark.keyId.length !== 32 || mark.root.length !== 32) throw new MarkError('a hash does not have 32 bytes');
		const stored = { holder, mark };
		if (formatStoredMark(stored) !== text) throw new MarkError('it is not the text that was written');
		return stored;
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new MarkError(`the mark ${path} cannot be made out: ${reason}`, { cause });
	}
}

function checksum(fields: object): string {
	return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}

async function write(path: string, text: string): Promise<void> {
	try {
		await writeDurably(path, text, 0o600);
	} catch (cause) {
		if ((cause as { code?: string }).code !== 'ENOENT') throw cause;
		await makeFolders(dirname(path), 0o700);
		await writeDurably(path, text, 0o600);
	}
}
