import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { concatBytes, toHex } from './bytes.ts';
import { RightEdge } from './compact-range.ts';
import { FormatError } from './format-error.ts';
import { type Hash, hashLeaf, rootOf } from './merkle.ts';
import { checkInclusion, proveInclusion, type ReadHashes, rootAt } from './proof.ts';
import {
	encodeBundle,
	hashTileOf,
	parseBundle,
	parseTilePath,
	type TileLevel,
	tilePath,
	tileSpanOf,
	tileWidth,
} from './tile.ts';

describe('tile paths', () => {
	it.each([
		[{ level: 0, index: 0 }, 'tile/0/000'],
		[{ level: 0, index: 5 }, 'tile/0/005'],
		[{ level: 1, index: 256 }, 'tile/1/256'],
		[{ level: 0, index: 1000 }, 'tile/0/x001/000'],
		[{ level: 0, index: 1234067 }, 'tile/0/x001/x234/067'],
		[{ level: 0, index: 1234067, width: 44 }, 'tile/0/x001/x234/067.p/44'],
		[{ level: 63, index: 1, width: 255 }, 'tile/63/001.p/255'],
		[{ level: 'entries' as const, index: 67, width: 1 }, 'tile/entries/067.p/1'],
		[{ level: 'entries' as const, index: Number.MAX_SAFE_INTEGER }, 'tile/entries/x009/x007/x199/x254/x740/991'],
	])('of %j is %s', (tile, path) => {
		expect(tilePath(tile)).toBe(path);
		expect(parseTilePath(path)).toEqual({ width: 256, ...tile });
	});

	it.each([
		'tile/0',
		'tile/0/5',
		'tile/0/0005',
		'tile/00/005',
		'tile/-1/005',
		'tile/64/005',
		'tile/x/005',
		'tile/0/x000/005',
		'tile/0/001/005',
		'tile/0/x001',
		'tile/0/x001/x005',
		'tile/0/005.p/0',
		'tile/0/005.p/01',
		'tile/0/005.p/256',
		'tile/0/005.p/300',
		'tile/0/005.p/',
		'tile/0/005.p/4/',
		'tile/0/005/',
		'/tile/0/005',
		'tile//0/005',
		'tile/0/x009/x007/x199/x254/x740/992',
		'tile/0/x001/x001/x001/x001/x001/x001/001',
		'tile/0/005\n',
		'tile/entries',
		'tile/Entries/005',
		'tile/0/٠٠٥',
	])('are never spelled %j', (path) => {
		expect(() => parseTilePath(path)).toThrow(FormatError);
	});

	it('survive the round trip from random coordinates, and random damage is refused or read as what it says', () => {
		const random = new SeededRandom(6);
		for (let i = 0; i < 2000; i++) {
			const level = random.pick<TileLevel>(['entries', random.below(64)]);
			const tile = { level, index: random.below(2 ** 31), width: 1 + random.below(256) };
			const path = tilePath(tile);
			expect(parseTilePath(path)).toEqual(tile);
			const damaged = new TextDecoder('latin1').decode(random.mangle(new TextEncoder().encode(path)));
			try {
				expect(tilePath(parseTilePath(damaged))).toBe(damaged);
			} catch (error) {
				expect(error).toBeInstanceOf(FormatError);
			}
		}
	});

	it.each([
		{ level: -1, index: 0 },
		{ level: 64, index: 0 },
		{ level: 0, index: -1 },
		{ level: 0, index: 0.5 },
		{ level: 0, index: 0, width: 0 },
		{ level: 0, index: 0, width: 257 },
	])('of the impossible tile %j are a bug', (tile) => {
		expect(() => tilePath(tile)).toThrow(RangeError);
	});
});

describe('tile widths', () => {
	it.each([
		[70_000, 0, 272, 256],
		[70_000, 0, 273, 112],
		[70_000, 0, 274, 0],
		[70_000, 1, 0, 256],
		[70_000, 1, 1, 17],
		[70_000, 1, 2, 0],
		[70_000, 2, 0, 1],
		[70_000, 3, 0, 0],
		[256, 0, 0, 256],
		[256, 1, 0, 1],
		[255, 1, 0, 0],
		[0, 0, 0, 0],
	])('in a tree of %i at level %i, tile %i is %i wide', (size, level, index, width) => {
		expect(tileWidth(level, index, size)).toBe(width);
		if (level === 0) expect(tileWidth('entries', index, size)).toBe(width);
	});
});

describe('nodes in tiles', () => {
	it('are stored for every eighth level and folded from a run of hashes otherwise', () => {
		expect(hashTileOf({ level: 0, index: 300 })).toEqual({ level: 0, index: 1, offset: 44 });
		expect(hashTileOf({ level: 8, index: 300 })).toEqual({ level: 1, index: 1, offset: 44 });
		expect(hashTileOf({ level: 3, index: 7 })).toBeUndefined();
		expect(tileSpanOf({ level: 3, index: 33 })).toEqual({ level: 0, index: 1, offset: 8, count: 8 });
		expect(tileSpanOf({ level: 15, index: 1 })).toEqual({ level: 1, index: 0, offset: 128, count: 128 });
	});

	it('give the root and the proofs of a tree that is kept in tiles only', async () => {
		const size = 70_000;
		const tiles = new Map<string, Hash[]>();
		const edge = RightEdge.empty();
		const leaf = (index: number) => hashLeaf(Uint8Array.of(index >> 16, (index >> 8) & 0xff, index & 0xff));
		for (let index = 0; index < size; index++) {
			edge.append(leaf(index), (level, nodeIndex, hash) => {
				const place = hashTileOf({ level, index: nodeIndex });
				if (!place) return;
				const path = `${place.level}/${place.index}`;
				const tile = tiles.get(path) ?? [];
				tile[place.offset] = hash;
				tiles.set(path, tile);
			});
		}
		for (const [path, tile] of tiles) {
			const [level, index] = path.split('/').map(Number);
			expect(tile).toHaveLength(tileWidth(level!, index!, size));
		}
		const read: ReadHashes = async (ids) =>
			ids.map((id) => {
				const { level, index, offset, count } = tileSpanOf(id);
				const run = tiles.get(`${level}/${index}`)?.slice(offset, offset + count) ?? [];
				expect(run).toHaveLength(count);
				return rootOf(run);
			});
		const root = edge.root();
		expect(toHex(await rootAt(size, read))).toBe(toHex(root));
		for (const index of [0, 255, 256, 65_535, 65_536, 69_999])
			checkInclusion({ index, size, leafHash: leaf(index), root, proof: await proveInclusion(index, size, read) });
	});
});

describe('entry bundles', () => {
	it('put a big-endian length before each entry', () => {
		const long = new Uint8Array(258).fill(7);
		const bundle = encodeBundle([Uint8Array.of(1, 2), new Uint8Array(0), long]);
		expect(bundle).toEqual(concatBytes(Uint8Array.of(0, 2, 1, 2, 0, 0, 1, 2), long));
		expect(parseBundle(bundle)).toEqual([Uint8Array.of(1, 2), new Uint8Array(0), long]);
	});

	it('hold up to 256 entries of up to 65535 bytes', () => {
		const full = Array.from({ length: 256 }, () => Uint8Array.of(1));
		expect(parseBundle(encodeBundle(full))).toHaveLength(256);
		expect(() => encodeBundle([...full, Uint8Array.of(1)])).toThrow(FormatError);
		expect(() => parseBundle(concatBytes(encodeBundle(full), Uint8Array.of(0, 0)))).toThrow(FormatError);
		expect(parseBundle(encodeBundle([new Uint8Array(65_535)]))[0]).toHaveLength(65_535);
		expect(() => encodeBundle([new Uint8Array(65_536)])).toThrow(FormatError);
	});

	it('are refused when cut off anywhere but between two entries', () => {
		const bundle = encodeBundle([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
		for (let length = 0; length < bundle.length; length++) {
			const cut = bundle.subarray(0, length);
			if (length === 0 || length === 5) expect(parseBundle(cut)).toHaveLength(length / 5);
			else expect(() => parseBundle(cut)).toThrow(FormatError);
		}
	});
});
