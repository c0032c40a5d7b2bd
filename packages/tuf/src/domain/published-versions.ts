/**
 * How far a repository has been published: for each role the newest version and the SHA-256 of its file. The mark stores this.
 * Roles of later versions of this service (delegations) fit in without a change.
 */
import { fromUtf8, toHex, utf8 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import { sha256 } from '@chancery/core/sha';
import { type Mark, MarkError } from '@chancery/postgres/mark/mark';
import { z } from 'zod';

export interface PublishedVersion {
	readonly version: number;
	/** 64 hex digits. */
	readonly sha256: string;
}

/** By role. Empty when nothing has been published yet. */
export type PublishedVersions = ReadonlyMap<string, PublishedVersion>;

const note = z.record(
	z.string().min(1).max(255),
	z.strictObject({ version: z.int().min(1), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
);

/**
 * Every publication increases some version and decreases none, so the sum of the versions orders the states of a repository.
 * `firstRoot` is the SHA-256 of `1.root.json`: it identifies the repository.
 */
export function markOf(origin: string, firstRoot: Uint8Array, versions: PublishedVersions): Mark {
	const text = utf8(JSON.stringify(Object.fromEntries([...versions].sort(([a], [b]) => (a < b ? -1 : 1)))));
	return { origin, keyId: firstRoot, size: sumOf(versions), root: sha256(text), note: text };
}

/** The versions in a mark. @throws {MarkError} when it marks something else */
export function versionsIn({ origin, note: text, size, root }: Mark): PublishedVersions {
	try {
		const versions = new Map(Object.entries(note.parse(parseJson(fromUtf8(text)))));
		if (sumOf(versions) !== size || toHex(sha256(text)) !== toHex(root)) throw new MarkError('its parts contradict');
		return versions;
	} catch (cause) {
		if (!(cause instanceof z.ZodError || cause instanceof FormatError || cause instanceof MarkError)) throw cause;
		throw new MarkError(`the mark of ${origin} is not that of a TUF repository`, { cause });
	}
}

export function sumOf(versions: PublishedVersions): number {
	return [...versions.values()].reduce((sum, { version }) => sum + version, 0);
}
