/** The paths and bytes of C2SP tlog-tiles, as its page describes them, for the judge. */
import { Violation } from './signed-trees.ts';

const WIDTH = 256;

/** Path of a tile or entry bundle in a tree of `size` leaves, partial where the tree ends. */
export function tilePathOf(level: number | 'entries', index: number, size: number): string {
	const nodes = Math.floor(size / WIDTH ** (level === 'entries' ? 0 : level));
	const width = Math.min(WIDTH, nodes - index * WIDTH);
	const digits = String(index).padStart(Math.ceil(String(index).length / 3) * 3, '0');
	const groups = digits.match(/\d{3}/g) ?? [];
	const name = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
	return `tile/${level}/${name}${width < WIDTH ? `.p/${width}` : ''}`;
}

export interface TilePath {
	readonly path: string;
	readonly level: number;
	readonly index: number;
	readonly width: number;
	/** The last one of its level. */
	readonly isEdge: boolean;
}

/** All hash tiles of a tree of `size` leaves. */
export function hashTilePaths(size: number): TilePath[] {
	const paths: TilePath[] = [];
	for (let level = 0, nodes = size; nodes > 0; level++, nodes = Math.floor(nodes / WIDTH)) {
		const tiles = Math.ceil(nodes / WIDTH);
		for (let index = 0; index < tiles; index++) {
			const width = Math.min(WIDTH, nodes - index * WIDTH);
			paths.push({ path: tilePathOf(level, index, size), level, index, width, isEdge: index === tiles - 1 });
		}
	}
	return paths;
}

/** The entries of a bundle: each behind its length as uint16. @throws {Violation} */
export function parseEntryBundle(bytes: Buffer): Buffer[] {
	const entries: Buffer[] = [];
	for (let at = 0; at < bytes.length; ) {
		const end = at + 2 + (at + 2 <= bytes.length ? bytes.readUInt16BE(at) : Number.POSITIVE_INFINITY);
		if (end > bytes.length) throw new Violation('an entry bundle is cut off');
		entries.push(bytes.subarray(at + 2, end));
		at = end;
	}
	return entries;
}
