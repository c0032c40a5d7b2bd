/**
 * Tiles of a transparency log (https://c2sp.org/tlog-tiles): paths, widths, and bundles of entries.
 *
 *     tile/<L>/<N>[.p/<W>]          256 (or W) hashes, level L counted in steps of eight tree levels
 *     tile/entries/<N>[.p/<W>]      256 (or W) entries
 *
 * <N> is written in groups of three digits, all but the last with an x: 5 is `005`, 256 is `256`, 1234067 is
 * `x001/x234/067`. A tile with fewer than 256 hashes names its width: `tile/0/x001/x234/067.p/44`.
 * Hash i of tile (L, N) is the root of the perfect subtree over the leaves [(N*256 + i) * 256^L, (N*256 + i+1) * 256^L).
 */
import { FormatError } from './format-error.ts';
import type { NodeId } from './proof.ts';

/** Hashes or entries of a full tile. */
export const TILE_WIDTH = 256;

/** Tree levels between one tile level and the next. */
export const TILE_HEIGHT = 8;

const MAX_TILE_LEVEL = 63;
const MAX_ENTRY_LENGTH = 0xffff;

export type TileLevel = number | 'entries';

export interface TileName {
	readonly level: TileLevel;
	readonly index: number;
	/** 1 to 256; 256 is the full tile. */
	readonly width: number;
}

/** Path of a tile below the log's prefix, without a leading slash. Throws RangeError for what cannot be a tile. */
export function tilePath(tile: { level: TileLevel; index: number; width?: number }): string {
	const { level, index, width = TILE_WIDTH } = tile;
	if (level !== 'entries' && (!Number.isSafeInteger(level) || level < 0 || level > MAX_TILE_LEVEL))
		throw new RangeError(`${level} is not a tile level`);
	if (!Number.isSafeInteger(index) || index < 0) throw new RangeError(`${index} is not a tile index`);
	if (!Number.isSafeInteger(width) || width < 1 || width > TILE_WIDTH)
		throw new RangeError(`${width} is not a tile width`);
	let groups = String(index % 1000).padStart(3, '0');
	for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
		groups = `x${String(rest % 1000).padStart(3, '0')}/${groups}`;
	return `tile/${level}/${groups}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

/** Reads a tile path; only the one spelling that `tilePath` writes is accepted. Throws FormatError. */
export function parseTilePath(path: string): TileName {
	// 16 digits of a safe integer make six groups; a longer path cannot name a tile.
	const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
	if (!match) throw new FormatError('tile path', 'not tile/<level>/<index>[.p/<width>]');
	const [, levelText = '', groups = '', widthText] = match;
	const level: TileLevel = levelText === 'entries' ? 'entries' : Number(levelText);
	const index = Number(groups.replaceAll(/[x/]/g, ''));
	const width = widthText === undefined ? TILE_WIDTH : Number(widthText);
	if (level !== 'entries' && level > MAX_TILE_LEVEL) throw new FormatError('tile path', 'the level is beyond 63');
	if (!Number.isSafeInteger(index)) throw new FormatError('tile path', 'the index is too large');
	if (width < 1 || width > TILE_WIDTH) throw new FormatError('tile path', 'the width is not 1 to 255');
	const tile = { level, index, width };
	// Leading zeros, a leading x000 group and a spelled-out width of 256 are second spellings of one tile.
	if (tilePath(tile) !== path) throw new FormatError('tile path', 'not the shortest spelling');
	return tile;
}

/**
 * Width of a tile in a tree of `treeSize`: 256 when it is full, 1 to 255 when it is the partial last one of its level,
 * 0 when it does not exist. Entry bundles have the widths of level 0.
 */
export function tileWidth(level: TileLevel, index: number, treeSize: number): number {
	const hashes = Math.floor(treeSize / TILE_WIDTH ** (level === 'entries' ? 0 : level));
	return Math.max(0, Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH));
}

/** Where the hash of a node is stored; undefined for the levels between tile levels, which are folded from a tile. */
export function hashTileOf(node: NodeId): { level: number; index: number; offset: number } | undefined {
	if (node.level % TILE_HEIGHT !== 0) return undefined;
	const { level, index, offset } = tileSpanOf(node);
	return { level, index, offset };
}

/** The run of hashes in one tile whose fold (`rootOf`) is the node: `count` hashes from `offset` on. */
export function tileSpanOf(node: NodeId): { level: number; index: number; offset: number; count: number } {
	const count = 2 ** (node.level % TILE_HEIGHT);
	const position = node.index * count;
	return {
		level: Math.floor(node.level / TILE_HEIGHT),
		index: Math.floor(position / TILE_WIDTH),
		offset: position % TILE_WIDTH,
		count,
	};
}

/**
 * An entry bundle: each entry behind its length as uint16, big-endian. Throws FormatError for an entry longer than
 * 65,535 bytes and for more than 256 entries.
 */
export function encodeBundle(leaves: readonly Uint8Array[]): Uint8Array {
	if (leaves.length > TILE_WIDTH) throw new FormatError('entry bundle', 'more than 256 entries');
	let length = 0;
	for (const leaf of leaves) {
		if (leaf.length > MAX_ENTRY_LENGTH) throw new FormatError('entry bundle', 'an entry is longer than 65535 bytes');
		length += 2 + leaf.length;
	}
	const bundle = new Uint8Array(length);
	let offset = 0;
	for (const leaf of leaves) {
		bundle[offset] = leaf.length >> 8;
		bundle[offset + 1] = leaf.length & 0xff;
		bundle.set(leaf, offset + 2);
		offset += 2 + leaf.length;
	}
	return bundle;
}

/** Reads an entry bundle; the entries are views into it. Throws FormatError when it does not end with an entry. */
export function parseBundle(bytes: Uint8Array): Uint8Array[] {
	const leaves: Uint8Array[] = [];
	let offset = 0;
	while (offset < bytes.length) {
		if (leaves.length === TILE_WIDTH) throw new FormatError('entry bundle', 'more than 256 entries');
		if (offset + 2 > bytes.length) throw new FormatError('entry bundle', 'cut off inside a length');
		const end = offset + 2 + ((bytes[offset]! << 8) | bytes[offset + 1]!);
		if (end > bytes.length) throw new FormatError('entry bundle', 'cut off inside an entry');
		leaves.push(bytes.subarray(offset + 2, end));
		offset = end;
	}
	return leaves;
}
