import { parseBundle } from '@chancery/core/tile';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { audit, createWorld, digest, type Replica, signHead, textEntry, type World } from '../../test/log-world.ts';
import type { NaiveTree } from '../../test/naive-tree.ts';
import { searchKey } from '../search-key.ts';

const SIZE = 600;

let world: World;
let replica: Replica;
let tree: NaiveTree;
let leaves: readonly string[];
/** Holds back publication, so that something is integrated and not published. */
let gate: Promise<void> | undefined;

beforeAll(async () => {
	world = await createWorld();
	replica = await world.open({
		signHead: async (head) => {
			await gate;
			return signHead(head);
		},
	});
	await Promise.all(Array.from({ length: SIZE }, (_, i) => replica.log.submit(textEntry(`read ${i}`))));
	({ tree, leaves } = await audit(world.database));
});
afterAll(() => world.end());

describe('what is integrated and not published', () => {
	it('is not there for any reader', async () => {
		const { log } = replica;
		const opened = Promise.withResolvers<void>();
		gate = opened.promise;
		const key = searchKey('artifact', 'secret', { prefix: true });
		const find = async () =>
			(await log.search({ keys: [key], match: 'any', limit: 10 })).entries.map(({ index }) => index);
		const answer = log.submit(textEntry('not yet', [key]));
		await expect
			.poll(async () => (await world.database.query('select from engine.tlog_entries')).length)
			.toBe(SIZE + 1);
		const { leafHash } = { leafHash: tree.leafHashes[0]! };
		const [row] = await world.database.query<{ leaf_hash: Buffer }>(
			`select leaf_hash from engine.tlog_entries where index = ${SIZE}`,
		);

		expect(await log.published()).toMatchObject({ size: SIZE });
		expect(await log.entry(SIZE)).toBeUndefined();
		expect(await log.entries(SIZE - 1, SIZE + 10)).toHaveLength(1);
		expect(await log.findByLeafHash(new Uint8Array(row!.leaf_hash))).toBeUndefined();
		expect(await log.findByLeafHash(leafHash)).toBe(0);
		expect(await find()).toEqual([]);
		expect(await log.tile(0, 2, (SIZE % 256) + 1)).toBeUndefined();
		expect(await log.entryBundle(2, (SIZE % 256) + 1)).toBeUndefined();
		for (const ask of [
			() => log.inclusionProof(0, SIZE + 1),
			() => log.inclusionProof(SIZE, SIZE),
			() => log.consistencyProof(3, SIZE + 1),
			() => log.rootAt(SIZE + 1),
		])
			await expect(ask()).rejects.toMatchObject({ code: 'out-of-range' });

		opened.resolve();
		gate = undefined;
		const { index } = await answer;
		expect(await log.entry(index)).toMatchObject({ index: SIZE });
		expect(await find()).toEqual([SIZE]);
		expect(await log.tile(0, 2, (SIZE % 256) + 1)).toBeDefined();
	});
});

describe('proofs', () => {
	it('of inclusion are those of the definition, at sizes old and new', async () => {
		const { log } = await world.open();
		for (const size of [1, 2, 3, 7, 8, 255, 256, 257, 511, 513, 599, 600])
			for (const index of new Set([0, 1, Math.floor(size / 2), size - 2, size - 1]))
				if (index >= 0 && index < size) expect(await log.inclusionProof(index, size)).toEqual(tree.path(index, size));
	});

	it('of consistency are those of the definition', async () => {
		const { log } = await world.open();
		for (const second of [1, 2, 6, 256, 257, 600])
			for (const first of new Set([0, 1, 2, 3, Math.floor(second / 2), second - 1, second]))
				if (first <= second) expect(await log.consistencyProof(first, second)).toEqual(tree.consistency(first, second));
	});

	it('lead to the roots of the definition', async () => {
		for (const size of [0, 1, 5, 256, 300, 600]) expect(await replica.log.rootAt(size)).toEqual(tree.root(size));
	});

	it.each([
		['an index beyond the size', () => replica.log.inclusionProof(5, 5)],
		['a negative index', () => replica.log.inclusionProof(-1, 5)],
		['a fraction', () => replica.log.inclusionProof(0.5, 5)],
		['no number', () => replica.log.rootAt(Number.NaN)],
		['sizes in the wrong order', () => replica.log.consistencyProof(6, 5)],
		['a range in the wrong order', () => replica.log.entries(6, 5)],
	])('are refused for %s', async (_, ask) => {
		await expect(ask()).rejects.toMatchObject({ code: 'out-of-range' });
	});
});

describe('tiles', () => {
	it('are those of the definition, full and partial', async () => {
		for (const [level, index, width] of [
			[0, 0, 256],
			[0, 1, 256],
			[0, 2, 1],
			[0, 2, 88],
			[0, 1, 13],
			[1, 0, 1],
			[1, 0, 2],
		] as const)
			expect(await replica.log.tile(level, index, width)).toEqual(tree.tile(level, index, width));
	});

	it.each([
		[0, 2, 256],
		[0, 3, 1],
		[1, 0, 3],
		[2, 0, 1],
		[0, 0, 0],
		[0, 0, 257],
		[-1, 0, 1],
		[64, 0, 1],
		[0, -1, 1],
		[0, 2 ** 53, 1],
		[0, 1.5, 1],
		[63, 2 ** 40, 1],
	])('at level %d, index %d, width %d do not exist', async (level, index, width) => {
		expect(await replica.log.tile(level, index, width)).toBeUndefined();
	});

	it('have bundles with the entries of the same place', async () => {
		const bundle = (await replica.log.entryBundle(2, 60))!;
		expect(parseBundle(bundle).map((leaf) => Buffer.from(leaf).toString())).toEqual(leaves.slice(512, 572));
		expect(parseBundle((await replica.log.entryBundle(1, 256))!)).toHaveLength(256);
		expect(await replica.log.entryBundle(3, 1)).toBeUndefined();
	});
});

describe('entries', () => {
	it('come in order, at most 1,024 at a time', async () => {
		const some = await replica.log.entries(250, 260);
		expect(some.map(({ leaf }) => Buffer.from(leaf).toString())).toEqual(leaves.slice(250, 260));
		expect(some.map(({ index }) => index)).toEqual([250, 251, 252, 253, 254, 255, 256, 257, 258, 259]);
		expect(await replica.log.entry(Number.MAX_SAFE_INTEGER)).toBeUndefined();
		expect(await replica.log.entry(-1)).toBeUndefined();
		expect(await replica.log.entries(5000, 6000)).toEqual([]);
	});
});

describe('a stored tree that does not fit its checkpoint', () => {
	it('gives no proof and no answer', async () => {
		const broken = await createWorld();
		const { log } = await broken.open();
		for (let i = 0; i < 9; i++) await log.submit(textEntry(`broken ${i}`));
		// What a failing disk or a determined administrator does.
		await broken.database.query('alter table engine.tlog_entries disable trigger all');
		await broken.database.query(
			`update engine.tlog_entries set leaf_hash = decode(repeat('ab', 32), 'hex') where index = 3`,
		);
		const fresh = await broken.open();
		expect(fresh.log.health()).toMatchObject({ writable: false, detail: expect.stringMatching(/forked|damaged/) });
		await expect(fresh.log.submit(textEntry('more'))).rejects.toMatchObject({ code: 'read-only' });
		for (const ask of [
			() => fresh.log.inclusionProof(0, 9),
			() => fresh.log.inclusionProof(3, 4),
			() => fresh.log.consistencyProof(4, 9),
		])
			await expect(ask()).rejects.toMatchObject({ name: 'TlogError' });
		await broken.end();
	});
});

describe('a read of what is large', () => {
	let large: World;
	beforeAll(async () => {
		large = await createWorld();
	});
	afterAll(() => large.end());

	const entryOf = (i: number, bytes: number) => {
		const leaf = new Uint8Array(Buffer.from(`large ${i}`.padEnd(60_000, '.')));
		const extra = new Uint8Array(bytes);
		return { identity: digest(leaf), encode: () => ({ leaf, extra, searchKeys: [] }) };
	};

	it('is cut off at its bytes, never below one entry, and goes on from there', async () => {
		const { log } = await large.open();
		const sizes = [10, 3_000_000, 3_000_000, 3_000_000, 20_000_000, 10, 10];
		for (const [i, bytes] of sizes.entries()) await log.submit(entryOf(i, bytes));
		const pages: number[][] = [];
		for (let at = 0; at < sizes.length; ) {
			const page = await log.entries(at, sizes.length);
			pages.push(page.map(({ index }) => index));
			at += page.length;
		}
		expect(pages).toEqual([[0, 1, 2], [3], [4], [5, 6]]);
	});
});
