/**
 * Reads the hashes that proofs are made of: from memory, from full tiles, and at the right edge from the hashes that the
 * partial tiles are computed from.
 */
import { HASH_LENGTH, type Hash, rootOf } from '@chancery/core/merkle';
import type { NodeId, ReadHashes } from '@chancery/core/proof';
import { TILE_WIDTH, tileSpanOf, tileWidth } from '@chancery/core/tile';
import type { Sql } from '@chancery/postgres/sql';
import type { LogTables } from '../store/log-tables.ts';
import { readHashRanges, readTiles } from '../store/tiles.ts';
import { TlogError } from '../tlog-error.ts';
import type { HashCache } from './hash-cache.ts';

export interface TreeSource {
	readonly sql: Sql;
	readonly tables: LogTables;
	/** Absent where memory must not be believed: when the stored tree itself is in question. */
	readonly cache?: HashCache;
}

interface TileId {
	readonly level: number;
	readonly index: number;
	/** How many of its hashes are there, counted in the tree of the reader's size. */
	readonly width: number;
}

/** Reads nodes of the committed tree of `size`; every node asked for must lie inside of it. */
export function hashReader(source: TreeSource, size: number): ReadHashes {
	return async (ids) => {
		const found = ids.map((id) => source.cache?.node(id));
		const missing = ids.filter((_, i) => found[i] === undefined);
		if (missing.length === 0) return found as Hash[];
		const tiles = await loadTiles(
			source,
			missing.map((id) => tileOf(id, size)),
		);
		return ids.map((id, i) => found[i] ?? nodeIn(tiles, id, source.cache));
	};
}

/** The bytes of a tile in the committed tree; `width` 256 for a full one. Undefined width rules are the caller's. */
export async function readTile(source: TreeSource, tile: TileId): Promise<Uint8Array> {
	return (await loadTiles(source, [tile])).get(keyOf(tile))!;
}

async function loadTiles(source: TreeSource, wanted: readonly TileId[]): Promise<Map<string, Uint8Array>> {
	const { sql, tables, cache } = source;
	const tiles = new Map<string, Uint8Array>();
	const full = new Map<string, TileId>();
	const partial = new Map<string, TileId>();
	for (const tile of wanted) {
		const key = keyOf(tile);
		const known = tile.width === TILE_WIDTH ? cache?.tile(tile.level, tile.index) : undefined;
		if (known) tiles.set(key, known);
		else (tile.width === TILE_WIDTH ? full : partial).set(key, tile);
	}
	for (const { level, index, bytes } of await readTiles(sql, tables, [...full.values()])) {
		tiles.set(keyOf({ level, index }), bytes);
		cache?.addTile(level, index, bytes);
	}
	const edge = [...partial.values()];
	const ranges = await readHashRanges(
		sql,
		tables,
		edge.map(({ level, index, width }) => ({ level, begin: index * TILE_WIDTH, end: index * TILE_WIDTH + width })),
	);
	edge.forEach((tile, i) => {
		const bytes = new Uint8Array(tile.width * HASH_LENGTH);
		ranges[i]!.forEach((hash, at) => {
			bytes.set(hash, at * HASH_LENGTH);
		});
		tiles.set(keyOf(tile), bytes);
	});
	for (const tile of full.values())
		if (!tiles.has(keyOf(tile)))
			throw new TlogError('read-only', `the stored tree is damaged: tile ${tile.level}/${tile.index} is missing`);
	return tiles;
}

function tileOf(id: NodeId, size: number): TileId {
	const { level, index, offset, count } = tileSpanOf(id);
	const width = tileWidth(level, index, size);
	if (offset + count > width) throw new RangeError(`node ${id.level}/${id.index} is not inside a tree of ${size}`);
	return { level, index, width };
}

function nodeIn(tiles: ReadonlyMap<string, Uint8Array>, id: NodeId, cache: HashCache | undefined): Hash {
	const { level, index, offset, count } = tileSpanOf(id);
	const bytes = tiles.get(keyOf({ level, index }))!;
	const hashes: Hash[] = [];
	for (let at = offset; at < offset + count; at++) hashes.push(bytes.slice(at * HASH_LENGTH, (at + 1) * HASH_LENGTH));
	const hash = rootOf(hashes);
	cache?.addNode(id.level, id.index, hash);
	return hash;
}

function keyOf(tile: { level: number; index: number }): string {
	return `${tile.level}/${tile.index}`;
}
