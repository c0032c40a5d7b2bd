/**
 * Guards behind other guards: as long as the ones in front hold, nothing runs into these, so they are tried one by one.
 */

import type { MarkStore } from '@chancery/postgres/mark/mark';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admit } from '../../src/publish/answers.ts';
import { type HeadTimeMs, moveHead, readHead } from '../../src/store/heads.ts';
import { logTables } from '../../src/store/log-tables.ts';
import { readState } from '../../src/store/publications.ts';
import { consistencyProof, inclusionProof, publishedRoot } from '../../src/tree/proofs.ts';
import { audit, createWorld, IDENTITY, SCHEMA, SharedMark, textEntry, type World } from '../log-world.ts';

const SIZE = 20;
const tables = logTables(SCHEMA, IDENTITY.logId);

let world: World;
beforeAll(async () => {
	world = await createWorld();
	const { log, close } = await world.open();
	await Promise.all(Array.from({ length: SIZE }, (_, i) => log.submit(textEntry(`entry ${i}`))));
	await close();
});
afterAll(() => world.end());

describe('the integrated head', () => {
	it.each([
		['another size', { size: SIZE - 1 }],
		['another root', { root: new Uint8Array(32) }],
	])('does not move from %s than the one that is there', async (_, change) => {
		const head = (await readHead(world.database, tables))!;
		const next = { size: SIZE + 1, root: new Uint8Array(32).fill(1), timestampMs: head.timestampMs as HeadTimeMs };
		expect(await moveHead(world.database, tables, { ...head, ...change }, next)).toBe(false);
		expect(await readHead(world.database, tables)).toEqual(head);
	});
});

describe('no proof leaves the log that does not lead to the published root', () => {
	it('when the stored tree and the checkpoint are not the same', async () => {
		const source = { sql: world.database, tables };
		const { published } = (await readState(world.database, tables))!;
		const wrong = { ...published!, root: published!.root.map((byte, i) => (i === 7 ? byte ^ 1 : byte)) };
		const { log } = await world.open();
		const entry = (await log.entry(3))!;
		// With the right root each of them is there.
		expect((await admit(source, entry, published!, false)).proof).toHaveLength(5);
		expect(await inclusionProof(source, published!, 3, SIZE)).toHaveLength(5);
		for (const ask of [
			() => admit(source, entry, wrong, false),
			() => admit(source, { ...entry, index: 4 }, published!, false),
			() => admit(source, { ...entry, leafHash: new Uint8Array(32) }, published!, false),
			() => inclusionProof(source, wrong, 3, SIZE),
			() => inclusionProof(source, wrong, 3, SIZE - 2),
			() => consistencyProof(source, wrong, 5, SIZE),
			() => publishedRoot(source, wrong, 5),
		])
			await expect(ask()).rejects.toMatchObject({ code: 'unavailable' });
	});
});

describe('the mark', () => {
	it('stands at a checkpoint before anybody is shown it', async () => {
		const own = await createWorld();
		const shared = new SharedMark();
		let gate: Promise<void> | undefined;
		const mark: MarkStore = {
			read: () => shared.read(),
			advance: async (next) => {
				await gate;
				await shared.advance(next);
			},
		};
		const { log } = await own.open({ mark, limits: { refreshMs: 0 } });
		const opened = Promise.withResolvers<void>();
		gate = opened.promise;
		let answered = false;
		const answer = log.submit(textEntry('gated')).finally(() => {
			answered = true;
		});
		// Committed, signed and published in the database: only the mark is missing.
		await expect.poll(async () => (await readState(own.database, tables))?.published?.size, { timeout: 5_000 }).toBe(1);
		await new Promise((resolve) => setTimeout(resolve, 150));
		expect(answered).toBe(false);
		expect(shared.mark?.size).toBe(0);
		opened.resolve();
		expect((await answer).index).toBe(0);
		expect(shared.mark?.size).toBe(1);
		await own.end();
	});
});

describe('a repeat', () => {
	it('is looked for after the lock is held: what another replica commits meanwhile is found', async () => {
		const own = await createWorld();
		const hold = Promise.withResolvers<void>();
		let held = false;
		const first = await own.open({
			hooks: {
				beforeCommit: async () => {
					held = true;
					await hold.promise;
				},
			},
		});
		const second = await own.open();
		const original = first.log.submit(textEntry('the same'));
		await expect.poll(() => held).toBe(true);
		const repeat = second.log.submit(textEntry('the same'));
		const waiting = `select 1 as one from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
		await expect.poll(async () => (await own.database.query(waiting)).length, { timeout: 5_000 }).toBeGreaterThan(0);
		hold.resolve();
		expect(await original).toMatchObject({ index: 0, duplicate: false });
		expect(await repeat).toMatchObject({ index: 0, duplicate: true });
		expect((await audit(own.database)).leaves).toEqual(['the same']);
		await own.end();
	});
});

describe('what was shown', () => {
	it('is not taken back by a look at the database that began before', async () => {
		const own = await createWorld();
		const answers: PromiseWithResolvers<void>[] = [];
		let slow = false;
		const { log } = await own.open({
			limits: { refreshMs: 0 },
			database: {
				// Readers look outside of transactions; their answers stay on the way.
				query: async (text, values) => {
					const rows = await own.database.query<never>(text, values);
					if (slow && text.includes('tlog_published')) {
						const held = Promise.withResolvers<void>();
						answers.push(held);
						await held.promise;
					}
					return rows;
				},
				transaction: (work) => own.database.transaction(work),
				close: async () => undefined,
			},
		});
		await log.submit(textEntry('one'));
		slow = true;
		const look = log.published();
		await expect.poll(() => answers.length).toBe(1);
		slow = false;
		expect((await log.submit(textEntry('two'))).publication.size).toBe(2);
		answers[0]!.resolve();
		expect((await look).size).toBe(2);
		expect((await log.published()).size).toBe(2);
		// And the old look is no reason to take the database for one that has gone back.
		expect(log.health()).toMatchObject({ writable: true });
		await log.close();
		await own.end();
	});
});
