import { openDatabase } from '@chancery/postgres/pool';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Admitted } from '../src/entry.ts';
import { audit, auditAnswer, createWorld, SCHEMA, same, textEntry, type World } from './log-world.ts';

let world: World;
beforeAll(async () => {
	world = await createWorld();
});
afterAll(() => world.end());

it('three replicas write one log at once, each repeat found by whoever is asked', async () => {
	const replicas = [await world.open(), await world.open(), await world.open()];
	const answers: { text: string; answer: Admitted }[] = [];
	await Promise.all(
		replicas.flatMap(({ log }, replica) =>
			Array.from({ length: 16 }, async (_, client) => {
				for (let i = 0; i < 8; i++) {
					// One hot entry for all, some that every replica writes, some of each client's own.
					for (const text of ['hot', `everywhere ${client} ${i}`, `own ${replica} ${client} ${i}`])
						answers.push({ text, answer: await log.submit(textEntry(text)) });
				}
			}),
		),
	);

	const { leaves, tree, publishedSize } = await audit(world.database);
	expect(leaves).toHaveLength(1 + 16 * 8 + 3 * 16 * 8);
	expect(new Set(leaves).size).toBe(leaves.length);
	expect(publishedSize).toBe(leaves.length);
	expect(answers.map(({ answer }) => auditAnswer(answer, tree)).filter(Boolean)).toEqual([]);

	const receipts = new Map<number, string>();
	const firsts = new Map<string, number>();
	for (const { text, answer } of answers) {
		expect(leaves[answer.index]).toBe(text);
		const receipt = String(answer.receipt);
		expect(receipts.get(answer.index) ?? receipt).toBe(receipt);
		receipts.set(answer.index, receipt);
		if (!answer.duplicate) firsts.set(text, (firsts.get(text) ?? 0) + 1);
	}
	expect([...firsts.values()].every((count) => count === 1)).toBe(true);
	expect(firsts.size).toBe(leaves.length);
	expect(world.mark.mark?.size).toBe(leaves.length);
	for (const replica of replicas) await replica.close();
});

it('a replica shows what another one published, when it is asked for it', async () => {
	const writer = await world.open();
	const reader = await world.open({ limits: { refreshMs: 3_600_000 } });
	const { size: before } = await reader.log.published();
	const answer = await writer.log.submit(textEntry('written elsewhere'));
	expect((await reader.log.published()).size).toBe(before);
	expect(await reader.log.inclusionProof(answer.index, answer.publication.size)).toEqual(answer.proof);
	expect((await reader.log.published()).size).toBe(answer.publication.size);
	await writer.close();
	await reader.close();
});

it('a writer that waits for a stalled holder of the lock goes on when the server frees it', async () => {
	const holder = openDatabase({
		url: world.url,
		applicationName: 'stalled',
		maxConnections: 1,
		idleInTransactionTimeoutMs: 500,
	});
	const database = openDatabase({ url: world.url, applicationName: 'waits', maxConnections: 4, lockTimeoutMs: 150 });
	const { log, close } = await world.open({ database });
	const locked = Promise.withResolvers<void>();
	const stalled = holder.transaction(async (sql) => {
		await sql.query(`select 1 from ${SCHEMA}.tlog_heads for update`);
		locked.resolve();
		await new Promise((resolve) => setTimeout(resolve, 900));
	});
	const failed = expect(stalled).rejects.toThrow();
	await locked.promise;
	const answer = await log.submit(textEntry('after the stall'));
	expect(answer.duplicate).toBe(false);
	await failed;
	await close();
	await holder.close();
	await audit(world.database);
});

it('every replica signs an entry once: the receipt that lost is thrown away', async () => {
	// Both have integrated, both sign, one publishes.
	let signed = 0;
	const gate = Promise.withResolvers<void>();
	const hooks = {
		afterSign: async () => {
			signed += 1;
			if (signed === 2) gate.resolve();
			if (signed <= 2) await gate.promise;
		},
	};
	const [a, b] = [await world.open(), await world.open()];
	await Promise.all([a.close(), b.close()]);
	const [left, right] = [await world.open({ hooks }), await world.open({ hooks })];
	const answers = await Promise.all([
		left.log.submit(textEntry('left')),
		right.log.submit(textEntry('right')),
		left.log.submit(textEntry('both')),
		right.log.submit(textEntry('both')),
	]);
	expect(signed).toBeGreaterThanOrEqual(2);
	const stored = await world.database.query<{ index: number; receipt: Buffer }>(
		`select index, receipt from ${SCHEMA}.tlog_receipts`,
	);
	for (const answer of answers) {
		const row = stored.find(({ index }) => index === answer.index);
		expect(same(row!.receipt, answer.receipt!)).toBe(true);
	}
	await audit(world.database);
	await left.close();
	await right.close();
});
