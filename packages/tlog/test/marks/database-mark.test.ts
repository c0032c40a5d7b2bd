import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { migrateMarks, openDatabaseMark } from '@chancery/postgres/mark/database-mark';
import type { Mark } from '@chancery/postgres/mark/mark';
import { CommitUnknownError } from '@chancery/postgres/pg-errors';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { adoptHead } from '../../src/log/adopt-head.ts';
import { createLog } from '../../src/log/create-log.ts';
import { audit, createWorld, IDENTITY, SCHEMA, signHead, textEntry, type World } from '../log-world.ts';
import { identityOf } from '../statement.ts';

const MARKS = 'marks';
let place: TestDatabase;
beforeAll(async () => {
	place = await createTestDatabase();
	await migrateMarks(place.database, MARKS);
});
afterAll(() => place.drop());

let names = 0;
function openMark(name = `log/${names++}`, database: Database = place.database) {
	return openDatabaseMark({ database, schema: MARKS, name });
}

const keyId = new Uint8Array(randomBytes(32));
function markAt(size: number, fields: Partial<Mark> = {}): Mark {
	const root = new Uint8Array(32).fill(size % 256);
	return { origin: 'log.example', keyId, size, root, note: new Uint8Array([1, size % 256]), ...fields };
}

describe('a mark in a database', () => {
	it('is there for everyone who has its name, and for nobody else', async () => {
		const mark = openMark('log/shared');
		expect(await mark.read()).toBeUndefined();
		await mark.advance(markAt(7));
		expect(await openMark('log/shared').read()).toEqual(markAt(7));
		expect(await openMark('log/other').read()).toBeUndefined();
	});

	it('is not taken for missing when a column was emptied, nor read when one is no hash', async () => {
		await openMark('log/spoilt').advance(markAt(7));
		await place.database.query(`update ${MARKS}.tlog_marks set origin = '', adoptions = 1 where name = 'log/spoilt'`);
		await expect(openMark('log/spoilt').read()).rejects.toThrow(/the mark log\/spoilt cannot be made out/);
		await openMark('log/spoilt').replace(markAt(7));
		expect(await openMark('log/spoilt').read()).toEqual(markAt(7));
	});

	it('grows and never goes back', async () => {
		const mark = openMark();
		for (const size of [0, 3, 3, 2, 10, 9]) await mark.advance(markAt(size));
		expect(await mark.read()).toEqual(markAt(10));
	});

	it('ends at the largest of many that are written at once', async () => {
		const [a, b] = [openMark('log/contended'), openMark('log/contended')];
		await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 ? a : b).advance(markAt((i * 17) % 41))));
		expect((await a.read())?.size).toBe(40);
	});

	it('refuses another root at its size, and another log', async () => {
		const mark = openMark('log/fork');
		await mark.advance(markAt(5));
		await expect(mark.advance(markAt(5, { root: new Uint8Array(32) }))).rejects.toThrow(
			/log\/fork has root 0505.* at size 5, not 0000/,
		);
		const stranger = { origin: 'stranger.example', keyId: new Uint8Array(32) };
		for (const size of [4, 5, 6])
			await expect(mark.advance(markAt(size, stranger))).rejects.toThrow(
				/log\/fork belongs to log\.example.*not to stranger\.example/,
			);
		expect(await mark.read()).toEqual(markAt(5));
	});

	it('goes back only by the word of an operator, also past our own code', async () => {
		const mark = openMark('log/adopted');
		await mark.advance(markAt(9));
		for (const change of ['set size = 8', `set root = decode(repeat('00', 32), 'hex')`])
			await expect(place.database.query(`update ${MARKS}.tlog_marks ${change} where size = 9`)).rejects.toThrow(
				/log\/adopted cannot go/,
			);
		await expect(place.database.query(`delete from ${MARKS}.tlog_marks`)).rejects.toThrow(/never removed/);
		await mark.replace(markAt(4));
		expect(await mark.read()).toEqual(markAt(4));
		await mark.advance(markAt(6));
		expect(await mark.read()).toEqual(markAt(6));
	});

	it('is found by the next try when the answer to its COMMIT is lost', async () => {
		let lost = 1;
		const mark = openMark('log/lost', {
			query: (text, values) => place.database.query(text, values),
			transaction: async (work) => {
				const result = await place.database.transaction(work);
				if (lost-- > 0) throw new CommitUnknownError('the answer got lost');
				return result;
			},
			close: async () => undefined,
		});
		await expect(mark.advance(markAt(3))).rejects.toMatchObject({ name: 'MarkError' });
		await mark.advance(markAt(3));
		expect((await mark.read())?.size).toBe(3);
	});

	it.each([
		['synchronous_commit', 'off', /synchronous_commit is off/],
		['default_transaction_read_only', 'on', /does not accept writes/],
	])('is neither read nor written on a server with %s = %s', async (setting, value, reason) => {
		const unsafe = await createTestDatabase();
		await migrateMarks(unsafe.database, MARKS);
		await openMark('log/unsafe', unsafe.database).advance(markAt(1));
		await unsafe.database.query(`alter database ${new URL(unsafe.url).pathname.slice(1)} set ${setting} = '${value}'`);
		const database = openDatabase({ url: unsafe.url, applicationName: 'unsafe', maxConnections: 1 });
		const mark = openMark('log/unsafe', database);
		await expect(mark.read()).rejects.toThrow(reason);
		await expect(mark.advance(markAt(2))).rejects.toMatchObject({ name: 'MarkError' });
		await database.close();
		await unsafe.drop();
	});

	it('is refused beside the tables of a log, with which it would be restored', async () => {
		const world = await createWorld();
		await migrateMarks(world.database, MARKS);
		const mark = openMark('log/inside', world.database);
		await expect(mark.read()).rejects.toThrow(/lies in a database that holds logs/);
		await expect(mark.advance(markAt(1))).rejects.toThrow(/lies in a database that holds logs/);
		const { log } = await world.open({ mark });
		expect(log.health()).toMatchObject({ writable: false, detail: expect.stringMatching(/unreadable.*holds logs/) });
		await world.end();
	});

	it.each(['', '/log', 'log 1', `l${'o'.repeat(200)}g`])('has a proper name, not %j', (name) => {
		expect(() => openMark(name)).toThrow(TypeError);
	});
});

describe('a log with its mark in another database', () => {
	let world: World;
	beforeAll(async () => {
		world = await createWorld();
	});
	afterAll(() => world.end());

	it('is written by several processes, each with a mark of the same name', async () => {
		const replicas = await Promise.all([1, 2, 3].map(() => world.open({ mark: openMark('log/replicas') })));
		await Promise.all(
			replicas.flatMap(({ log }, n) => Array.from({ length: 30 }, (_, i) => log.submit(textEntry(`${n} ${i}`)))),
		);
		const { publishedSize } = await audit(world.database);
		expect(publishedSize).toBe(90);
		expect(await openMark('log/replicas').read()).toMatchObject({ origin: IDENTITY.origin, size: 90 });
		for (const replica of replicas) await replica.close();
	});

	it('is read-only without it until its head is adopted', async () => {
		const mark = openMark('log/renamed');
		const before = await world.open({ mark });
		await expect(before.log.submit(textEntry('refused'))).rejects.toMatchObject({
			code: 'read-only',
			detail: 'missing: there is no mark beside a log of 90 entries',
		});
		expect(await before.log.entries(0, 90)).toHaveLength(90);
		await before.close();
		const order = { database: world.database, schema: SCHEMA, identity: IDENTITY, mark, reason: 'renamed' };
		await adoptHead({ ...order, expect: 90 });
		const { log, close } = await world.open({ mark });
		expect(await log.submit(textEntry('goes on'))).toMatchObject({ index: 90 });
		await close();
	});

	it('cannot share it with another log', async () => {
		const identity = { ...identityOf(generateKeyPairSync('ed25519').privateKey), logId: 'second' };
		await createLog(world.database, SCHEMA, identity);
		const { log, close } = await world.open({ mark: openMark('log/renamed'), identity });
		await expect(log.submit(textEntry('refused'))).rejects.toMatchObject({
			code: 'read-only',
			detail: expect.stringMatching(/foreign: the mark belongs to the log/),
		});
		await close();
	});

	it('goes on by itself when the database of the mark was away', async () => {
		const database = openDatabase({ url: place.url, applicationName: 'marks', maxConnections: 2 });
		let isAway = false;
		const away = () => Promise.reject(new Error('away'));
		const mark = openMark('log/renamed', {
			query: (text, values) => (isAway ? away() : database.query(text, values)),
			transaction: (work) => (isAway ? away() : database.transaction(work)),
			close: async () => undefined,
		});
		const { log, close } = await world.open({ mark, signHead, limits: { submitTimeoutMs: 2_000 } });
		isAway = true;
		await expect(log.submit(textEntry('meanwhile'))).rejects.toMatchObject({
			code: 'read-only',
			detail: 'unreadable: the mark log/renamed cannot be read',
			retryAfterSeconds: expect.any(Number),
		});
		isAway = false;
		await vi.waitFor(() => log.submit(textEntry('meanwhile')), { timeout: 10_000 });
		await audit(world.database);
		await close();
		await database.close();
	});
});
