/**
 * How far a repository has been published: for each role the newest version and the SHA-256 of its file. This is what its
 * mark remembers; roles that a later version of this service knows (delegations) fit in as they are.
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

/** By role. Empty: nothing was published yet. */
export type PublishedVersions = ReadonlyMap<string, PublishedVersion>;

const note = z.record(
	z.string().min(1).max(255),
	z.strictObject({ version: z.int().min(1), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
);

/**
 * Every publication makes some version grow and none shrink, so that the sum of them orders the states of one
 * repository. `firstRoot` is the SHA-256 of `1.root.json`: which repository it is.
 */
export function markOf(origin: string, firstRoot: Uint8Array, versions: PublishedVersions): Mark {
	const text = utf8(JSON.stringify(Object.fromEntries([...versions].sort(([a], [b]) => (a < b ? -1 : 1)))));
	return { origin, keyId: firstRoot, size: sumOf(versions), root: sha256(text), note: text };
}

/** The versions in a mark. @throws MarkError for a mark of something else */
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
