/**
 * Everything a reader may ask of a log, bounded by what is published: an entry that is integrated and not yet covered by
 * a published checkpoint does not exist out here.
 */
import { EMPTY_ROOT, type Hash } from '@chancery/core/merkle';
import { TILE_WIDTH, tileWidth } from '@chancery/core/tile';
import type { Publication, StoredEntry } from '../entry.ts';
import type { MarkCheck } from '../mark/mark-check.ts';
import type { PublishedHead } from '../publish/published-head.ts';
import type { SearchKey } from '../search-key.ts';
import { findLeafHash, readEntryPage, readEntryRange } from '../store/entries.ts';
import { readState } from '../store/publications.ts';
import { type FoundEntries, findWithAll, findWithAny } from '../store/search.ts';
import { TlogError } from '../tlog-error.ts';
import { readTile, type TreeSource } from '../tree/hash-reader.ts';
import { type Anchor, consistencyProof, inclusionProof, publishedRoot } from '../tree/proofs.ts';
import type { BundleCodec } from './bundle-codec.ts';

/** At most this many entries per call; a caller that wants more asks again. */
const MAX_ENTRIES = 1_024;
/** And about this many bytes of them, unless one alone has more. */
const MAX_ENTRY_BYTES = 8 * 1024 * 1024;
const MAX_FOUND = 10_000;

export interface SearchQuery {
	/** Distinct keys; at least one. */
	readonly keys: readonly SearchKey[];
	/** Entries that carry at least one of the keys, or every one of them. */
	readonly match: 'any' | 'all';
	/** Only entries below this index: `nextBefore` of the page before. */
	readonly before?: number | undefined;
	/** At most so many, the newest; 10,000 in any case. */
	readonly limit: number;
}

export interface ReadsOptions {
	readonly source: TreeSource;
	readonly codec: BundleCodec;
	readonly mark: MarkCheck;
	readonly head: PublishedHead;
	/** Why nothing is published, for who asks before the first checkpoint. */
	readonly publicationFailure: () => unknown;
	readonly refreshMs: number;
}

export class Reads {
	readonly #options: ReadsOptions;

	constructor(options: ReadsOptions) {
		this.#options = options;
	}

	/**
	 * The newest checkpoint that may be shown. At most `refreshMs` behind another replica's.
	 * @throws {TlogError} `read-only` when the database is not the one that was published from, `unavailable` before the
	 * first publication.
	 */
	async published(): Promise<Publication> {
		const { head, mark, refreshMs, publicationFailure } = this.#options;
		// What the database would show is older than, or another tree than, what the world has seen.
		if (mark.problem?.kind === 'rolled-back' || mark.problem?.kind === 'forked') throw mark.asError();
		const publication = await head.fresh(refreshMs);
		if (publication) return publication;
		if (mark.problem) throw mark.asError();
		throw new TlogError('unavailable', 'the log has not published anything yet', {
			retryAfterSeconds: 1,
			cause: publicationFailure(),
		});
	}

	/** The entry at `index`, or undefined beyond the published tree. */
	async entry(index: number): Promise<StoredEntry | undefined> {
		return Number.isSafeInteger(index + 1) && index >= 0 ? (await this.entries(index, index + 1))[0] : undefined;
	}

	/**
	 * Entries [start, end), cut off at the published size, at 1,024 and at 8 MiB; ask again from where it was cut off.
	 * @throws {TlogError} `out-of-range` unless 0 <= start <= end.
	 */
	async entries(start: number, end: number): Promise<StoredEntry[]> {
		if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start)
			throw new TlogError('out-of-range', `${start} to ${end} is not a range of entries`);
		const { size } = await this.#anchor(end);
		const stop = Math.min(end, size, start + MAX_ENTRIES);
		if (start >= stop) return [];
		const { sql, tables } = this.#options.source;
		return readEntryPage(sql, tables, { begin: start, end: stop, maxBytes: MAX_ENTRY_BYTES });
	}

	/** The first index with this leaf hash, or undefined. */
	async findByLeafHash(leafHash: Hash): Promise<number | undefined> {
		const { sql, tables } = this.#options.source;
		return findLeafHash(sql, tables, leafHash, (await this.#anchor()).size);
	}

	/** Published entries that carry the keys, newest first, a page at a time. @throws as `published` does */
	async search({ keys, match, before, limit }: SearchQuery): Promise<FoundEntries> {
		const { size } = await this.published();
		const { sql, tables } = this.#options.source;
		const find = match === 'all' ? findWithAll : findWithAny;
		return find(sql, tables, keys, { before: Math.min(before ?? size, size), limit: Math.min(limit, MAX_FOUND) });
	}

	/** Inclusion proof of `index` in the tree of `size`, checked. @throws {TlogError} `out-of-range`, `unavailable`. */
	async inclusionProof(index: number, size: number): Promise<Hash[]> {
		return inclusionProof(this.#options.source, await this.#anchor(size), index, size);
	}

	/** Consistency proof, checked; empty for first 0 and first = second. @throws {TlogError} `out-of-range`, `unavailable`. */
	async consistencyProof(first: number, second: number): Promise<Hash[]> {
		return consistencyProof(this.#options.source, await this.#anchor(second), first, second);
	}

	/** Root of the first `size` entries. @throws {TlogError} `out-of-range`, `unavailable`. */
	async rootAt(size: number): Promise<Hash> {
		return publishedRoot(this.#options.source, await this.#anchor(size), size);
	}

	/**
	 * `width` hashes of a tile (256: full), 32 bytes each; undefined when the published tree does not have that many
	 * there. The same question has the same answer for ever.
	 */
	async tile(level: number, index: number, width: number): Promise<Uint8Array | undefined> {
		if (!isTileLevel(level) || !(await this.#hasTile(level, index, width))) return undefined;
		return readTile(this.#options.source, { level, index, width });
	}

	/** The first `width` entries of a bundle in the codec of the log; undefined when they are not all published. */
	async entryBundle(index: number, width: number): Promise<Uint8Array | undefined> {
		if (!(await this.#hasTile(0, index, width))) return undefined;
		const { source, codec } = this.#options;
		const begin = index * TILE_WIDTH;
		return codec.encode(await readEntryRange(source.sql, source.tables, begin, begin + width));
	}

	async #hasTile(level: number, index: number, width: number): Promise<boolean> {
		if (!isWidth(width) || !Number.isSafeInteger(index) || index < 0) return false;
		const needed = (index * TILE_WIDTH + width) * TILE_WIDTH ** level;
		if (!Number.isSafeInteger(needed)) return false;
		return tileWidth(level, index, (await this.#anchor(needed)).size) >= width;
	}

	/**
	 * The published tree that bounds a read. When it is smaller than what is asked for, the database is asked whether
	 * another replica has published more.
	 */
	async #anchor(minSize = 0): Promise<Anchor> {
		const { head, mark, source, refreshMs } = this.#options;
		if (isForked(mark)) throw mark.asError();
		try {
			const publication = await head.fresh(refreshMs, minSize);
			if (publication && mark.problem?.kind !== 'rolled-back') return publication;
		} catch (error) {
			if (!(error instanceof TlogError) || error.code !== 'read-only' || isForked(mark)) throw error;
		}
		// A database that has gone back has less than what was shown, and beyond its own publication perhaps something else.
		if (head.current && mark.problem?.kind !== 'rolled-back') return head.current;
		// Read-only since its start: what was published before may still be read.
		const state = await readState(source.sql, source.tables);
		return state?.published ?? { size: 0, root: EMPTY_ROOT };
	}
}

/** Asked anew each time: a lookup in between may have found out. */
function isForked(mark: MarkCheck): boolean {
	return mark.problem?.kind === 'forked';
}

function isTileLevel(level: number): boolean {
	return Number.isSafeInteger(level) && level >= 0 && level <= 63;
}

function isWidth(width: number): boolean {
	return Number.isSafeInteger(width) && width >= 1 && width <= TILE_WIDTH;
}
