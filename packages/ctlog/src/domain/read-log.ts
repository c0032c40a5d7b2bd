/**
 * The reading side. Everything is answered out of the published tree: an entry that is committed but not yet covered by a
 * signed tree head does not exist for readers, and every proof ends in a head that anyone can ask for.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { fromUtf8 } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import type { Hash } from '@chancery/core/merkle';
import { parseTilePath, type TileName } from '@chancery/core/tile';
import type { StoredEntry } from '@chancery/tlog/entry';
import type { Log } from '@chancery/tlog/log';
import { parseTreeHead, type SignedTreeHeadParts } from './tree-head.ts';

export type ReadableLog = Pick<
	Log,
	'published' | 'entry' | 'entries' | 'findByLeafHash' | 'inclusionProof' | 'consistencyProof' | 'tile' | 'entryBundle'
>;

export interface EntryRange {
	readonly entries: readonly StoredEntry[];
	/** True when every entry that was asked for is there: such an answer never changes. */
	readonly complete: boolean;
}

/** How much one get-entries answer carries, whichever is reached first. One entry is always carried. */
export interface RangeLimits {
	readonly maxEntries: number;
	/** Bytes of leaves and extra data, before base64. */
	readonly maxBytes: number;
}

/** Entries are read from the database in pages, so that a range of large entries never lies in memory whole. */
const PAGE_ENTRIES = 256;

/** The latest published head, with its signature. */
export async function latestHead(log: ReadableLog): Promise<SignedTreeHeadParts> {
	return parseTreeHead((await log.published()).note);
}

/** @throws {DomainError} `invalid-range` when second < first or the tree is not that large */
export async function consistency(log: ReadableLog, first: number, second: number): Promise<Hash[]> {
	if (second < first) throw new DomainError('invalid-range', `second (${second}) is below first (${first})`);
	const { size } = await log.published();
	if (second > size) throw new DomainError('invalid-range', `second is ${second}, the tree has ${size} leaves`);
	// Every tree continues the empty one and itself; there is nothing to prove.
	return first === 0 || first === second ? [] : log.consistencyProof(first, second);
}

/** @throws {DomainError} `invalid-range` for a tree size of 0, `no-such-leaf` when the tree is smaller or has no such leaf */
export async function proofByHash(
	log: ReadableLog,
	leafHash: Uint8Array,
	treeSize: number,
): Promise<{ index: number; path: Hash[] }> {
	if (treeSize < 1) throw new DomainError('invalid-range', 'tree_size must be at least 1');
	const { size } = await log.published();
	if (treeSize > size)
		throw new DomainError('no-such-leaf', `tree_size is ${treeSize}, the published tree has ${size} leaves`);
	const index = await log.findByLeafHash(leafHash);
	if (index === undefined || index >= treeSize)
		throw new DomainError('no-such-leaf', `no leaf with this hash is in the tree of ${treeSize} leaves`);
	return { index, path: await log.inclusionProof(index, treeSize) };
}

/** @throws {DomainError} `invalid-range` when the leaf is not in that tree or the published tree is smaller */
export async function entryAndProof(
	log: ReadableLog,
	leafIndex: number,
	treeSize: number,
): Promise<{ entry: StoredEntry; path: Hash[] }> {
	if (leafIndex >= treeSize)
		throw new DomainError('invalid-range', `leaf_index is ${leafIndex}, a tree of ${treeSize} leaves ends before it`);
	const { size } = await log.published();
	if (treeSize > size)
		throw new DomainError('invalid-range', `tree_size is ${treeSize}, the published tree has ${size} leaves`);
	const entry = await log.entry(leafIndex);
	if (!entry) throw new Error(`entry ${leafIndex} is below the published size ${size} but was not found`);
	return { entry, path: await log.inclusionProof(leafIndex, treeSize) };
}

/**
 * Entries from `start` to `end` inclusive, cut at the published size and at the limits. Exactly one entry beyond the tree
 * is an empty answer and not a refusal: monitors of an idle log ask for it, and some stop for good when refused.
 * @throws {DomainError} `invalid-range` when end < start or start lies further beyond the tree
 */
export async function entryRange(
	log: ReadableLog,
	start: number,
	end: number,
	limits: RangeLimits,
): Promise<EntryRange> {
	if (end < start) throw new DomainError('invalid-range', `end (${end}) is below start (${start})`);
	const { size } = await log.published();
	if (start > size) throw new DomainError('invalid-range', `start is ${start}, the tree has ${size} leaves`);
	const stop = Math.min(end + 1, size, start + limits.maxEntries);

	const entries: StoredEntry[] = [];
	let bytes = 0;
	for (let at = start; at < stop; ) {
		const page = await log.entries(at, Math.min(at + PAGE_ENTRIES, stop));
		// A page of large entries is shorter than what was asked for, and never empty below the published size.
		if (page.length === 0) throw new Error(`entry ${at} is below the published size ${size} but was not found`);
		at += page.length;
		for (const entry of page) {
			bytes += entry.leaf.length + (entry.extra?.length ?? 0);
			if (bytes > limits.maxBytes && entries.length > 0) return { entries, complete: false };
			entries.push(entry);
		}
	}
	return { entries, complete: entries.length === end - start + 1 };
}

/** The latest head as the text of its checkpoint. */
export async function latestCheckpoint(log: ReadableLog): Promise<string> {
	return fromUtf8((await log.published()).note);
}

/** static-ct-api calls the entry bundles `data`, tlog-tiles `entries`; the rest of the path is the same. */
const DATA_TILE = /^data\//;

/**
 * A tile by what follows `tile/` in its path. Its bytes are the same for ever.
 * @throws {DomainError} `no-such-tile` for a path that names none, or one that is not covered by the published tree
 */
export async function tileAt(log: ReadableLog, path: string): Promise<Uint8Array> {
	let name: TileName | undefined;
	try {
		// The spelling of the other API is no second name of a tile here.
		if (!path.startsWith('entries/')) name = parseTilePath(`tile/${path.replace(DATA_TILE, 'entries/')}`);
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
	}
	if (!name) throw new DomainError('no-such-tile', 'the path is not tile/<level or data>/<index>[.p/<width>]');
	const { level, index, width } = name;
	const tile = await (level === 'entries' ? log.entryBundle(index, width) : log.tile(level, index, width));
	if (!tile) throw new DomainError('no-such-tile', `the published tree has no tile/${path}`);
	return tile;
}
