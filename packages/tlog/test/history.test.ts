import { hashLeaf } from '@chancery/core/merkle';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NO_METRICS } from '../src/engine-metrics.ts';
import { DEFAULT_LIMITS } from '../src/limits.ts';
import { SILENT } from '../src/log-sink.ts';
import { MarkCheck } from '../src/mark/mark-check.ts';
import type { BatchResult } from '../src/sequence/batch.ts';
import { Sequencer } from '../src/sequence/sequencer.ts';
import { insertEntries } from '../src/store/entries.ts';
import { type HeadTimeMs, moveHead, readHead } from '../src/store/heads.ts';
import { logTables } from '../src/store/log-tables.ts';
import { ensurePartitions, PARTITION_ENTRIES } from '../src/store/partitions.ts';
import { insertSearchKeys } from '../src/store/search-keys.ts';
import { insertTiles } from '../src/store/tiles.ts';
import { SubmitQueue } from '../src/submit/submit-queue.ts';
import { HashCache } from '../src/tree/hash-cache.ts';
import { TreeEdge } from '../src/tree/tree-edge.ts';
import { audit, auditAnswer, createWorld, digest, IDENTITY, SCHEMA, textEntry, type World } from './log-world.ts';

/** A full tile of the second level, and an edge on each of three. */
const SIZE = 65_536 + 300;

const tables = logTables(SCHEMA, IDENTITY.logId);
let world: World;
beforeAll(async () => {
	world = await createWorld();
	await (await world.open()).close();
});
afterAll(() => world.end());

describe('a log with a long history', () => {
	it('goes on from it, and proves and serves all of it', async () => {
		// The history is written directly, as a run of batches would have left it.
		const leaves = Array.from({ length: SIZE }, (_, i) => new Uint8Array(Buffer.from(`history ${i}`)));
		await world.database.transaction(async (sql) => {
			const edge = TreeEdge.empty();
			const head = (await readHead(sql, tables))!;
			for (let at = 0; at < SIZE; at += 8_192) {
				const entries = leaves
					.slice(at, at + 8_192)
					.map((leaf) => ({ identity: digest(leaf), leafHash: hashLeaf(leaf), leaf, extra: null }));
				await insertEntries(sql, tables, { firstIndex: at, timestampMs: 1_000, entries });
				for (const { leafHash } of entries) await insertTiles(sql, tables, edge.append(leafHash));
			}
			await moveHead(sql, tables, head, { size: SIZE, root: edge.root(), timestampMs: 1_000 as HeadTimeMs });
		});

		const { log, close } = await world.open();
		expect((await log.published()).size).toBe(SIZE);
		const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => log.submit(textEntry(`more ${i}`))));
		const old = await log.submit(textEntry('history 255'));
		expect(old).toMatchObject({ index: 255, duplicate: true });
		const { tree } = await audit(world.database);
		expect([...answers, old].map((answer) => auditAnswer(answer, tree)).filter(Boolean)).toEqual([]);

		// A process without anything in memory reads all of it from tiles.
		const fresh = (await world.open()).log;
		const { size } = await fresh.published();
		for (const index of [0, 255, 256, 65_535, 65_536, 65_800, size - 1])
			for (const within of [65_536, 65_537, 65_792, size])
				if (index < within) expect(await fresh.inclusionProof(index, within)).toEqual(tree.path(index, within));
		for (const [first, second] of [
			[1, size],
			[65_535, 65_536],
			[65_536, size],
			[40_000, 66_000],
		] as const)
			expect(await fresh.consistencyProof(first, second)).toEqual(tree.consistency(first, second));
		for (const [level, index, width] of [
			[0, 255, 256],
			[0, 258, 88],
			[1, 0, 256],
			[1, 1, 2],
			[1, 0, 100],
			[2, 0, 1],
		] as const)
			expect(await fresh.tile(level, index, width)).toEqual(tree.tile(level, index, width));
		await close();
	});
});

describe('partitions', () => {
	it('are made by several at once, up to where they are needed', async () => {
		const ends = await Promise.all(
			[5, 5, 3, 5].map((n) => ensurePartitions(world.database, tables, n * PARTITION_ENTRIES)),
		);
		expect(ends).toEqual([6, 6, 4, 6].map((n) => n * PARTITION_ENTRIES));
		const key = { kind: 'k', hash: new Uint8Array(32) };
		const indexes = [7, 5 * PARTITION_ENTRIES, 6 * PARTITION_ENTRIES - 1];
		await insertSearchKeys(
			world.database,
			tables,
			indexes.map((index) => ({ ...key, index })),
		);
		const found = await world.database.query<{ index: number }>(
			`select index from ${SCHEMA}.tlog_search_keys where kind = 'k' order by index`,
		);
		expect(found.map(({ index }) => index)).toEqual(indexes);
		await expect(insertSearchKeys(world.database, tables, [{ ...key, index: 6 * PARTITION_ENTRIES }])).rejects.toThrow(
			/no partition/,
		);
	});

	it('that a batch misses are made, and nobody is refused for it', async () => {
		const queue = new SubmitQueue(DEFAULT_LIMITS);
		const batches: BatchResult[] = [];
		const sequencer = new Sequencer({
			context: {
				database: world.database,
				tables,
				limits: DEFAULT_LIMITS,
				maxLeafBytes: 100,
				mark: new MarkCheck(world.mark, IDENTITY),
				cache: new HashCache(),
				hooks: {},
				clock: Date.now,
			},
			queue,
			onBatch: (result) => batches.push(result),
			onMarkProblem: () => undefined,
			logger: SILENT,
			metrics: NO_METRICS,
			partitionsEnd: 0,
		});
		const before = (await readHead(world.database, tables))!.size;
		void queue.add(textEntry('over the edge')).catch(() => undefined);
		sequencer.wake();
		await expect.poll(() => batches.length).toBe(1);
		expect(batches[0]!.edge.size).toBe(before + 1);
		expect([...batches[0]!.outcomes.values()].map(({ kind }) => kind)).toEqual(['new']);
		await sequencer.close();
		for (const submission of batches[0]!.outcomes.keys()) queue.answer(submission, {} as never);
	});
});
