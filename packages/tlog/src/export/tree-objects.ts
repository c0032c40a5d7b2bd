/**
 * Which objects a tree of a given size consists of, in the order in which they are exported.
 *
 * The full ones come in windows of consecutive bundles, together with every hash tile that the window completes. A
 * window is begun when the one before it is durable; so in a store that has no checkpoint yet, the newest window that
 * has begun tells how far an exporter came.
 */
import { TILE_WIDTH, type TileLevel, type TileName, tilePath, tileWidth } from '@chancery/core/tile';

/** What the bundles of entries are called: `entries` (tlog-tiles) or `data` (static-ct-api). */
export type BundleFolder = 'entries' | 'data';

/** Bundles of one window: enough to write several at a time, few enough to be held in memory. */
export const WINDOW_BUNDLES = 16;

const WINDOW_ENTRIES = WINDOW_BUNDLES * TILE_WIDTH;

/** Full bundles and tiles that trees of `size` have and trees of `from` do not, window by window. */
export function* fullObjects(from: number, size: number): Generator<TileName[]> {
	let window: TileName[] = [];
	for (let index = Math.floor(from / TILE_WIDTH); (index + 1) * TILE_WIDTH <= size; index++) {
		window.push(full('entries', index), ...completedTiles(index));
		if ((index + 1) % WINDOW_BUNDLES === 0) {
			yield window;
			window = [];
		}
	}
	if (window.length > 0) yield window;
}

/** The partial bundle and the partial tile of each level at the right edge of a tree of `size`. */
export function partialObjects(size: number): TileName[] {
	const objects: TileName[] = [];
	for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH)) {
		const index = Math.floor(hashes / TILE_WIDTH);
		const width = tileWidth(level, index, size);
		if (width === 0) continue;
		if (level === 0) objects.push({ level: 'entries', index, width });
		objects.push({ level, index, width });
	}
	return objects;
}

/** The first bundle of each window of full bundles in a tree of `size`: `count` windows. */
export function windowCount(size: number): number {
	return Math.ceil(Math.floor(size / TILE_WIDTH) / WINDOW_BUNDLES);
}

/** The object whose presence shows that window `number` was begun, and the size of the tree before the window. */
export function windowStart(number: number): { first: TileName; size: number } {
	return { first: full('entries', number * WINDOW_BUNDLES), size: number * WINDOW_ENTRIES };
}

export function objectPath(object: TileName, bundles: BundleFolder): string {
	return tilePath(object).replace(/^tile\/entries\//, `tile/${bundles}/`);
}

/** The tiles that are full once bundle `index` is: one of level 0, and one more for each level that it completes. */
function completedTiles(index: number): TileName[] {
	const tiles: TileName[] = [];
	for (let level = 0, at = index + 1; ; level++) {
		tiles.push(full(level, at - 1));
		if (at % TILE_WIDTH !== 0) return tiles;
		at /= TILE_WIDTH;
	}
}

function full(level: TileLevel, index: number): TileName {
	return { level, index, width: TILE_WIDTH };
}
