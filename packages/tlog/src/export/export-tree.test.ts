import { describe, expect, it } from 'vitest';
import { Crash, MemoryStore } from '../../test/memory-store.ts';
import { ORIGIN, type ReadExported, SyntheticLog, shownSize } from '../../test/synthetic-log.ts';
import { exportTree } from './export-tree.ts';
import { fullObjects, WINDOW_BUNDLES } from './tree-objects.ts';

/** Three levels of tiles, and more than one window. */
const MAX_SIZE = 256 * 256 + 3 * 256 + 7;
const main = new SyntheticLog(MAX_SIZE);

function exportOf(log: SyntheticLog, store: MemoryStore) {
	return exportTree({ log, store, origin: ORIGIN, bundles: 'entries' });
}

function readerOf(store: MemoryStore): ReadExported {
	return async (path) => store.objects.get(path);
}

describe('an export', () => {
	it.each([0, 1, 255, 256, 257, 4096, 4097, MAX_SIZE])(
		'of %i entries shows a checkpoint and everything below it',
		async (size) => {
			const store = new MemoryStore();
			main.size = size;
			expect(await exportOf(main, store)).toEqual({ kind: 'exported', size });
			expect(await shownSize(readerOf(store), main)).toBe(size);
			const { writes } = store;
			expect(await exportOf(main, store)).toEqual({ kind: 'current', size });
			expect(store.writes).toBe(writes);
		},
	);

	it('continues from what the store shows, and reads nothing of it again', async () => {
		const store = new MemoryStore();
		main.size = 65_000;
		await exportOf(main, store);
		main.size = 65_600;
		main.reads = 0;
		await exportOf(main, store);
		// Bundles and tiles 253 to 255, the tile above them, two partial ones of level 0, and one of level 2.
		expect(main.reads).toBe(3 * 2 + 1 + 2 + 1);
		expect(await shownSize(readerOf(store), main)).toBe(65_600);
	});

	it('shows a whole tree after a crash at any of its writes, and the next one finishes', async () => {
		for (let crashAt = 1; ; crashAt++) {
			const store = new MemoryStore();
			main.size = 300;
			await exportOf(main, store);
			const before = store.writes;
			main.size = 256 * 5 + 9;
			store.crashAt = before + crashAt;
			const outcome = await exportOf(main, store).catch((error: unknown) => error);
			expect(await shownSize(readerOf(store), main)).toBe(outcome instanceof Crash ? 300 : main.size);
			if (!(outcome instanceof Crash)) {
				expect(crashAt).toBeGreaterThan(10);
				return;
			}
			store.crashAt = Number.POSITIVE_INFINITY;
			await exportOf(main, store);
			expect(await shownSize(readerOf(store), main)).toBe(main.size);
		}
	});

	it('finds its place when it never reached a first checkpoint', async () => {
		main.size = 4 * WINDOW_BUNDLES * 256 + 100;
		const perWindow = 2 * WINDOW_BUNDLES;
		for (const windows of [0, 1, 3, 4]) {
			const store = new MemoryStore();
			// The owner, whole windows, and a few objects of the next one.
			store.crashAt = 1 + windows * perWindow + 4;
			await expect(exportOf(main, store)).rejects.toThrow(Crash);
			expect(await shownSize(readerOf(store), main)).toBeUndefined();
			store.crashAt = Number.POSITIVE_INFINITY;
			main.reads = 0;
			await exportOf(main, store);
			expect(await shownSize(readerOf(store), main)).toBe(main.size);
			const all = [...fullObjects(0, main.size)].flat().length;
			expect(main.reads).toBeLessThanOrEqual(all - Math.min(windows, 3) * perWindow + 4);
		}
	});
});

describe('two exporters', () => {
	it('never move the checkpoint backwards', async () => {
		const store = new MemoryStore();
		main.size = 300;
		await exportOf(main, store);
		// The slow one has read everything and is about to write the checkpoint of 500 when the fast one shows 900.
		store.beforeSwap = async () => {
			store.beforeSwap = undefined;
			main.size = 900;
			await exportOf(main, store);
			main.size = 500;
		};
		main.size = 500;
		expect(await exportOf(main, store)).toEqual({ kind: 'behind', size: 500, shownSize: 900 });
		expect(await shownSize(readerOf(store), main)).toBe(900);
	});

	it('may race for the first checkpoint', async () => {
		const store = new MemoryStore();
		main.size = 700;
		const outcomes = await Promise.all([exportOf(main, store), exportOf(main, store)]);
		expect(outcomes.map((outcome) => outcome.kind).sort()).toEqual(['current', 'exported']);
		expect(await shownSize(readerOf(store), main)).toBe(700);
	});
});

describe('a store is left alone that', () => {
	const filled = async (size: number) => {
		const store = new MemoryStore();
		main.size = size;
		await exportOf(main, store);
		return store;
	};
	const untouched = async (store: MemoryStore, log: SyntheticLog, message: RegExp) => {
		const before = new Map(store.objects);
		await expect(exportOf(log, store)).rejects.toThrow(message);
		expect(store.objects.get('checkpoint')).toEqual(before.get('checkpoint'));
		for (const [path, bytes] of before) expect(store.objects.get(path)).toEqual(bytes);
	};

	it('shows a fork of the log', async () => {
		const store = await filled(1000);
		const fork = new SyntheticLog(2000, 'fork', 600);
		fork.size = 2000;
		await untouched(store, fork, /shows root .* at size 1000, the log has .*: it is another tree/);
		fork.size = 1000;
		await untouched(store, fork, /shows root .* at size 1000/);
	});

	it('holds tiles of a fork and no checkpoint yet', async () => {
		const store = await filled(1000);
		store.objects.delete('checkpoint');
		const fork = new SyntheticLog(2000, 'fork', 600);
		fork.size = 2000;
		await untouched(store, fork, /has other bytes in tile\/(entries|0)\/002 than the log/);
	});

	it('belongs to another log, with or without a checkpoint', async () => {
		const store = await filled(10);
		store.objects.set('origin', new TextEncoder().encode('other.example\n'));
		await untouched(store, main, /belongs to the log 'other\.example', not to 'log\.example\/exported'/);
	});

	it('shows something that is no checkpoint', async () => {
		const store = await filled(10);
		store.objects.set('checkpoint', new TextEncoder().encode('cut o'));
		await untouched(store, main, /cannot be read/);
	});

	it('shows more than the log has, as after a restored backup', async () => {
		const store = await filled(1000);
		const before = store.objects.get('checkpoint');
		main.size = 900;
		expect(await exportOf(main, store)).toEqual({ kind: 'behind', size: 900, shownSize: 1000 });
		expect(store.objects.get('checkpoint')).toEqual(before);
	});
});

it('shows a newer note of the same size where notes have times, and never an older one', async () => {
	const store = new MemoryStore();
	main.size = 5;
	const noteAt = (time: number) =>
		Buffer.concat([main.note(5), Buffer.from(`\u2014 time ${Buffer.from(`abcd${time}`).toString('base64')}\n`)]);
	const log = (time: number) => ({
		published: async () => ({ ...(await main.published()), note: new Uint8Array(noteAt(time)) }),
		tile: (level: number, index: number, width: number) => main.tile(level, index, width),
		entryBundle: (index: number, width: number) => main.entryBundle(index, width),
		rootAt: (size: number) => main.rootAt(size),
	});
	const isNewer = (next: Uint8Array, shown: Uint8Array) => Buffer.compare(next, shown) > 0;
	const at = (time: number) => exportTree({ log: log(time), store, origin: ORIGIN, bundles: 'entries', isNewer });
	expect(await at(2)).toMatchObject({ kind: 'exported' });
	expect(await at(1)).toMatchObject({ kind: 'current' });
	expect(await at(3)).toMatchObject({ kind: 'exported' });
	expect(store.objects.get('checkpoint')).toEqual(new Uint8Array(noteAt(3)));
});

it('writes certificates before the checkpoint, under the names that bundles use', async () => {
	const store = new MemoryStore();
	main.size = 3;
	const seen: string[] = [];
	store.beforeSwap = async () => void seen.push(...store.objects.keys());
	const companions = async () => [{ path: 'issuer/00', bytes: Uint8Array.of(1) }];
	await exportTree({ log: main, store, origin: ORIGIN, bundles: 'data', companions });
	expect(seen).toEqual(expect.arrayContaining(['issuer/00', 'tile/data/000.p/3', 'tile/0/000.p/3']));
});
