import { randomBytes } from 'node:crypto';
import type { Mark } from '@chancery/postgres/mark/mark';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { audit, createWorld, IDENTITY, SCHEMA, SharedMark, textEntry, type World } from '../../test/log-world.ts';
import { adoptHead } from '../log/adopt-head.ts';
import type { Log } from '../log/log.ts';

let world: World;
let copies: string[] = [];
beforeEach(async () => {
	await end();
	world = await createWorld();
});
afterAll(end);

async function end(): Promise<void> {
	await world?.end();
	copies = [];
}

async function submitAll(log: Log, prefix: string, count: number): Promise<void> {
	await Promise.all(Array.from({ length: count }, (_, i) => log.submit(textEntry(`${prefix} ${i}`))));
}

/** What a backup is: the database as it stands, under another name. Nobody may be connected while it is made. */
async function backup(): Promise<string> {
	const name = `copy_${randomBytes(8).toString('hex')}`;
	const source = new URL(world.url).pathname.slice(1);
	const admin = new URL(world.url);
	admin.pathname = '/postgres';
	const server = openDatabase({ url: admin.href, applicationName: 'backup', maxConnections: 1 });
	await server.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [source]);
	await vi.waitFor(() => server.query(`create database ${name} template ${source}`), { timeout: 5_000 });
	await server.close();
	copies.push(name);
	const url = new URL(world.url);
	url.pathname = `/${name}`;
	return url.href;
}

function connect(url: string): Database {
	return openDatabase({ url, applicationName: 'copy', maxConnections: 4 });
}

async function expectReadOnly(log: Log, reason: RegExp): Promise<void> {
	await expect(log.submit(textEntry('refused'))).rejects.toMatchObject({ code: 'read-only', detail: reason });
	expect(log.health()).toMatchObject({ writable: false, detail: expect.stringMatching(reason) });
}

describe('a mark', () => {
	it('that is older than the head is caught up with', async () => {
		const first = await world.open();
		await submitAll(first.log, 'a', 5);
		const older = world.mark.mark!;
		await submitAll(first.log, 'b', 5);
		await first.close();
		world.mark.mark = older;
		const { log } = await world.open();
		expect(log.health().writable).toBe(true);
		expect(world.mark.mark.size).toBe(10);
	});

	it('that is newer than a restored backup makes the log read-only, with its entries still readable', async () => {
		const first = await world.open();
		await submitAll(first.log, 'a', 5);
		await first.close();
		const restored = connect(await backup());
		const second = await world.open();
		await submitAll(second.log, 'b', 5);

		const { log } = await world.open({ database: restored });
		await expectReadOnly(log, /rolled-back: the database holds 5 entries, but 10 were published/);
		await expect(log.published()).rejects.toMatchObject({ code: 'read-only' });
		expect((await log.entries(0, 10)).map(({ leaf }) => Buffer.from(leaf).toString())).toHaveLength(5);
		expect(await log.inclusionProof(2, 5)).toHaveLength(3);
		expect((await audit(restored)).leaves).toHaveLength(5);
		await restored.close();
	});

	it('that names another root than the database has makes the log read-only and unreadable', async () => {
		const first = await world.open();
		await submitAll(first.log, 'a', 5);
		await first.close();
		const url = await backup();
		const second = await world.open();
		await submitAll(second.log, 'b', 5);
		// A clone of the log goes on by itself, beyond the size that the mark knows.
		const clone = connect(url);
		const strayMark = new SharedMark();
		strayMark.mark = { ...world.mark.mark!, size: 5, root: (await second.log.rootAt(5))! };
		const stray = await world.open({ database: clone, mark: strayMark });
		await submitAll(stray.log, 'c', 8);
		await stray.log.close();

		const { log } = await world.open({ database: clone });
		await expectReadOnly(log, /forked: at size 10 the database has root/);
		for (const read of [
			() => log.published(),
			() => log.entries(0, 5),
			() => log.tile(0, 0, 5),
			() => log.inclusionProof(0, 5),
		])
			await expect(read()).rejects.toMatchObject({ code: 'read-only' });
		await clone.close();
	});

	it('catches a connection that comes to lead to an older server while the log runs', async () => {
		const first = await world.open();
		await submitAll(first.log, 'a', 5);
		await first.close();
		const standby = connect(await backup());
		const primary = connect(world.url);
		let current = primary;
		const database: Database = {
			query: (text, values) => current.query(text, values),
			transaction: (work) => current.transaction(work),
			close: async () => undefined,
		};
		const { log } = await world.open({ database });
		await submitAll(log, 'b', 5);
		current = standby;
		await expect(log.submit(textEntry('on the wrong server'))).rejects.toMatchObject({
			code: 'read-only',
			detail: expect.stringMatching(/rolled-back/),
		});
		expect((await audit(standby)).leaves).toHaveLength(5);
		// The connection leads home again: the log finds out by itself.
		current = primary;
		await vi.waitFor(() => expect(log.health().writable).toBe(true), { timeout: 10_000 });
		expect(await log.submit(textEntry('home again'))).toMatchObject({ index: 10, duplicate: false });
		await log.close();
		await audit(primary);
		await Promise.all([standby.close(), primary.close()]);
	});

	it('that is missing beside entries makes the log read-only until an operator adopts the head', async () => {
		const first = await world.open();
		await submitAll(first.log, 'a', 5);
		await first.close();
		world.mark.mark = undefined;
		const second = await world.open();
		await expectReadOnly(second.log, /missing: there is no mark beside a log of 5 entries/);
		await second.close();

		const adopt = (expected: number) =>
			adoptHead({
				database: world.database,
				schema: SCHEMA,
				identity: IDENTITY,
				mark: world.mark,
				expect: expected,
				reason: 'the disk with the mark is gone',
			});
		await expect(adopt(4)).rejects.toMatchObject({ code: 'out-of-range' });
		expect(await adopt(5)).toMatchObject({ previous: undefined, adopted: { size: 5 } });
		const rows = await world.database.query(`select reason, size, previous_size from ${SCHEMA}.tlog_adoptions`);
		expect(rows).toEqual([{ reason: 'the disk with the mark is gone', size: 5, previous_size: null }]);
		const { log } = await world.open();
		expect(await log.submit(textEntry('after'))).toMatchObject({ index: 5 });
	});

	it('that is missing beside an empty log is made', async () => {
		const { log } = await world.open();
		expect(log.health().writable).toBe(true);
		expect(world.mark.mark?.size).toBe(0);
	});

	it('of another log is refused, naming both', async () => {
		const stranger: Mark = {
			origin: 'other.example',
			keyId: new Uint8Array(randomBytes(32)),
			size: 0,
			root: new Uint8Array(32),
			note: new Uint8Array(0),
		};
		world.mark.mark = stranger;
		const { log } = await world.open();
		await expectReadOnly(log, /foreign: the mark belongs to the log other\.example.*this is log\.example\/tested/);
	});

	it('that cannot be read stops the log, and the log goes on by itself when it can', async () => {
		const { log } = await world.open();
		await log.submit(textEntry('before'));
		world.mark.failing = 'the bucket is away';
		const refused = log.submit(textEntry('during'));
		await expect(refused).rejects.toMatchObject({ code: 'read-only', detail: /unreadable: the bucket is away/ });
		expect((await log.published()).size).toBe(1);
		world.mark.failing = undefined;
		await vi.waitFor(() => expect(log.health().writable).toBe(true), { timeout: 10_000 });
		expect(await log.submit(textEntry('during'))).toMatchObject({ index: 1 });
		await audit(world.database);
	});
});
