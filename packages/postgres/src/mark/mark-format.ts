/**
 * A mark as text: one JSON object with a checksum over the rest, the same in a file and in a bucket.
 */
import { createHash } from 'node:crypto';
import { type Mark, MarkError } from './mark.ts';

const VERSION = 1;

export interface StoredMark {
	/** Name of the place, where it is one that a database remembers. */
	readonly holder: string;
	/** Undefined in a place that got its name and has not been written to since. */
	readonly mark: Mark | undefined;
}

/** What `parseStoredMark` reads. */
export function formatStoredMark({ holder, mark }: StoredMark): string {
	const fields = {
		version: VERSION,
		holder,
		...(mark && {
			origin: mark.origin,
			keyId: mark.keyId.toHex(),
			size: mark.size,
			root: mark.root.toHex(),
			note: mark.note.toBase64(),
		}),
	};
	return `${JSON.stringify({ ...fields, checksum: checksum(fields) }, undefined, '\t')}\n`;
}

/**
 * Accepts only what `formatStoredMark` wrote: an incomplete mark must never count as an older one, or as none.
 * @param where for the message
 * @throws {MarkError} for every other text
 */
export function parseStoredMark(text: string, where: string): StoredMark {
	try {
		const { checksum: stated, ...fields } = JSON.parse(text) as Record<string, unknown>;
		const { version, holder, origin, keyId, size, root, note } = fields;
		if (version !== VERSION) throw new MarkError(`its version is ${String(version)}, known is ${VERSION}`);
		if (stated !== checksum(fields)) throw new MarkError('its checksum does not fit');
		if (typeof holder !== 'string') throw new MarkError('a field has the wrong type');
		let mark: Mark | undefined;
		if (origin !== undefined) {
			if (typeof origin !== 'string' || !Number.isSafeInteger(size)) throw new MarkError('a field has the wrong type');
			mark = {
				origin,
				keyId: Uint8Array.fromHex(String(keyId)),
				size: size as number,
				root: Uint8Array.fromHex(String(root)),
				note: Uint8Array.fromBase64(String(note)),
			};
			if (mark.keyId.length !== 32 || mark.root.length !== 32) throw new MarkError('a hash does not have 32 bytes');
		}
		const stored = { holder, mark };
		if (formatStoredMark(stored) !== text) throw new MarkError('it is not the text that was written');
		return stored;
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new MarkError(`the mark ${where} cannot be made out: ${reason}`, { cause });
	}
}

/**
 * True when `next` must replace `stored`.
 * @throws {MarkError} when they are of two things, or differ at one size
 */
export function supersedes(next: Mark, stored: Mark, where: string): boolean {
	if (Buffer.compare(next.keyId, stored.keyId) !== 0)
		throw new MarkError(
			`the mark ${where} belongs to ${stored.origin} (key ${stored.keyId.toHex()}), not to ${next.origin} (key ${next.keyId.toHex()})`,
		);
	if (next.size === stored.size && Buffer.compare(next.root, stored.root) !== 0)
		throw new MarkError(
			`the mark ${where} has root ${stored.root.toHex()} at size ${stored.size}, not ${next.root.toHex()}`,
		);
	return next.size > stored.size;
}

function checksum(fields: object): string {
	return createHash('sha256').update(JSON.stringify(fields)).digest('hex');
}
