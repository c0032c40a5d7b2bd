/**
 * An asynchronous standby that has missed the newest entries becomes the primary while replicas run: real streaming
 * replication, one history from beginning to end.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { audit, SCHEMA, signHead, textEntry } from '../log-world.ts';
import { Observer } from './observer.ts';
import { expectRefused, type Replica, ReplicatedWorld, submitAll } from './replicated-world.ts';
import type { ServerPair } from './server-pair.ts';

let world: ReplicatedWorld;
let pair: ServerPair;

async function startWorld(): Promise<void> {
	world = await ReplicatedWorld.start();
	pair = world.pair;
}

describe('a standby that is behind and becomes the primary', () => {
	const observer = new Observer();
	let replicas: Replica[];
	beforeAll(async () => {
		await startWorld();
		replicas = [await world.open(), await world.open()];
		replicas.forEach(({ log }, i) => {
			observer.watch(`replica ${i}`, log);
		});
	}, 120_000);
	afterAll(async () => {
		await observer.end();
		await world.end();
	});

	it('makes the running replicas read-only, each with its reason, and shows nobody a smaller tree', async () => {
		for (const [i, { log }] of replicas.entries()) await submitAll(log, `replicated ${i}`, 20);
		await pair.rejoin();
		await pair.cutOff();
		// Long enough for full tiles among what is lost.
		for (const [i, { log }] of replicas.entries()) await submitAll(log, `lost ${i}`, 150);
		await pair.failOver();

		const reason =
			/^(read-only: )?rolled-back: the database holds 40 entries, but 340 were published: a restored backup or a stale standby$/;
		for (const { log } of replicas) {
			await expectRefused(log, reason);
			await expect(log.published()).rejects.toMatchObject({
				code: 'read-only',
				detail: expect.stringMatching(/rolled-back/),
			});
			const entries = await log.entries(0, 340);
			expect(
				entries.map(({ leaf }) => Buffer.from(leaf).toString()).every((text) => text.startsWith('replicated')),
			).toBe(true);
			expect(entries).toHaveLength(40);
			expect(await log.tile(0, 0, 256)).toBeUndefined();
			expect(await log.tile(0, 0, 40)).toHaveLength(40 * 32);
			expect(await log.inclusionProof(3, 40)).toHaveLength(6);
		}
		expect((await audit(pair.standby)).publishedSize).toBe(40);
	});

	it('refuses a replica that starts afresh on it, also one that has lost its mark', async () => {
		const late = await world.open();
		await expectRefused(late.log, /rolled-back: the database holds 40 entries, but 340 were published/);
		await late.close();
		const stray = await world.open({ markName: 'stray' });
		await expectRefused(stray.log, /missing: there is no mark beside a log of 40 entries/);
		expect(await stray.log.entries(0, 50)).toHaveLength(40);
		await stray.close();
	});

	it('that has grown past the mark under another mark is a fork, and is not read either', async () => {
		await world.adopt(40, 'stray');
		const stray = await world.open({ markName: 'stray' });
		await submitAll(stray.log, 'another history', 400);
		await stray.close();
		for (const { log } of [...replicas, await world.open()]) {
			await expectRefused(
				log,
				/forked: at size 340 the database has root [0-9a-f]{64}, but [0-9a-f]{64} was published/,
			);
			for (const read of [() => log.published(), () => log.entries(0, 10), () => log.tile(0, 0, 40)])
				await expect(read()).rejects.toMatchObject({ code: 'read-only', detail: expect.stringMatching(/forked/) });
		}
		expect((await audit(pair.standby)).publishedSize).toBe(440);
	});

	it('goes on only when an operator adopts its head, naming the size; replicas of the old history stay read-only', async () => {
		for (const size of [40, 340, 439]) await expect(world.adopt(size)).rejects.toMatchObject({ code: 'out-of-range' });
		await observer.end();
		expect(observer.looks).toBeGreaterThan(50);
		expect(observer.largest).toBe(340);
		expect(observer.complaints).toEqual([]);

		expect(await world.adopt(440)).toMatchObject({ previous: { size: 340 }, adopted: { size: 440 } });
		await expectRefused(replicas[0]!.log, /forked/);
		for (const replica of replicas) await replica.close();
		const { log } = await world.open();
		expect(await log.submit(textEntry('goes on'))).toMatchObject({ index: 440, duplicate: false });
		expect(await log.submit(textEntry('lost 0 7'))).toMatchObject({ index: 441, duplicate: false });
		expect(await log.submit(textEntry('replicated 0 7'))).toMatchObject({ duplicate: true });
		const rows = await pair.standby.query(
			`select previous_size, size, reason from ${SCHEMA}.tlog_adoptions order by adopted_at`,
		);
		expect(rows.at(-1)).toEqual({ previous_size: 340, size: 440, reason: 'the primary is lost for good' });
	});
});

describe('a standby that has the newest entries and not their publication', () => {
	beforeAll(startWorld, 120_000);
	afterAll(() => world.end());

	it('shows no smaller tree than was shown before: it publishes first', async () => {
		const observer = new Observer();
		let armed = false;
		const first = await world.open({
			hooks: {
				// The batch is stored and replicated; what comes now is not.
				afterSign: async () => {
					if (!armed) return;
					armed = false;
					await pair.rejoin();
					await pair.cutOff();
				},
			},
		});
		await submitAll(first.log, 'before', 10);
		armed = true;
		const answer = await first.log.submit(textEntry('published on the primary only'));
		observer.see('first', answer.publication);
		observer.see('later', answer.publication);
		await pair.failOver();
		const stored = async () => (await pair.standby.query(`select size from ${SCHEMA}.tlog_published`))[0];
		expect(await stored()).toEqual({ size: 10 });

		// The signer is away at first: what the database has is all that there is to show.
		let isAway = true;
		const { log } = await world.open({
			signHead: async (head) => {
				if (isAway) throw new Error('the key is away');
				return signHead(head);
			},
		});
		observer.watch('later', log);
		observer.watch('first', first.log);
		await expect(log.published()).rejects.toMatchObject({ code: 'unavailable' });
		expect((await first.log.published()).size).toBe(11);
		isAway = false;
		await vi.waitFor(async () => expect((await log.published()).size).toBe(11), { timeout: 10_000 });
		expect(await log.submit(textEntry('goes on'))).toMatchObject({ index: 11 });
		expect(await first.log.submit(textEntry('goes on'))).toMatchObject({ index: 11, duplicate: true });
		await observer.end();
		observer.judge((await audit(pair.standby)).tree);
		expect(observer.complaints).toEqual([]);
		expect(await stored()).toEqual({ size: 12 });
	});
});
