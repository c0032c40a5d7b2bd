import { randomBytes } from 'node:crypto';
import type { Mark } from '@chancery/postgres/mark/mark';
import { openMarkDatabase } from '@chancery/postgres/mark/mark-database';
import { createTestDatabase } from '@chancery/testkit/test-database';
import { expect, it } from 'vitest';
import { createWorld, textEntry } from '../log-world.ts';

const markAt = (size: number): Mark => ({
	origin: 'log.example',
	keyId: new Uint8Array(32),
	size,
	root: new Uint8Array(32),
	note: new Uint8Array(1),
});

it('makes its table at first use, also when several processes come at once, and closes with its last mark', async () => {
	const { url, drop } = await createTestDatabase();
	const opened = [1, 2, 3].map(() => openMarkDatabase(url, { v1: 'rekor-v1/log.example', v2: 'rekor-v2/log.example' }));
	await Promise.all(opened.flatMap(({ v1, v2 }, i) => [v1.advance(markAt(i)), v2.advance(markAt(10 + i))]));
	for (const { v1, v2 } of opened) expect([(await v1.read())?.size, (await v2.read())?.size]).toEqual([2, 12]);
	for (const { v1, v2 } of opened) {
		await v1.close?.();
		await v1.close?.();
		expect((await v2.read())?.size).toBe(12);
		await v2.close?.();
		await expect(v2.read()).rejects.toMatchObject({ name: 'MarkError' });
	}
	await drop();
});

it('is looked at without its table being made, and says what a role may not do', async () => {
	const { url, database, drop } = await createTestDatabase();
	const look = async (from = url) => {
		const { v1 } = openMarkDatabase(from, { v1: 'rekor-v1/log.example' });
		try {
			return await v1.inspect();
		} finally {
			await v1.close?.();
		}
	};
	const nowMs = Date.now();
	const empty = await look();
	expect(empty).toMatchObject({ mark: undefined, obstacle: undefined, holder: undefined });
	expect(empty.clockMs).toBeGreaterThan(nowMs - 60_000);
	expect(await database.query("select 1 from pg_namespace where nspname = 'marks'")).toEqual([]);

	const { v1 } = openMarkDatabase(url, { v1: 'rekor-v1/log.example' });
	await v1.advance(markAt(7));
	await v1.close?.();
	expect((await look()).mark).toEqual(markAt(7));
	const role = `looks_${randomBytes(4).toString('hex')}`;
	await database.query(`create role ${role}`);
	await database.query(`grant usage on schema marks to ${role}`);
	await database.query(`grant select on all tables in schema marks to ${role}`);
	const guest = new URL(url);
	guest.searchParams.set('options', `-c role=${role}`);
	expect((await look(guest.href)).obstacle).toMatch(/this role may not select, insert and update in marks\.tlog_marks/);
	await database.query(`drop owned by ${role}`);
	await database.query(`drop role ${role}`);
	const absent = new URL(url);
	absent.pathname += '_absent';
	await expect(look(absent.href)).rejects.toThrow(/cannot be read/);
	await drop();
});

it('that is away at the start of a log makes it read-only, until it is there', async () => {
	const world = await createWorld();
	const later = await createTestDatabase();
	const absent = new URL(later.url);
	absent.pathname += '_absent';
	const { v1 } = openMarkDatabase(absent.href, { v1: 'rekor-v1/log.example' });
	const { log } = await world.open({ mark: v1, limits: { submitTimeoutMs: 2_000 } });
	await expect(log.submit(textEntry('early'))).rejects.toMatchObject({
		code: 'read-only',
		detail: 'unreadable: the database of the marks cannot be used',
	});
	const name = absent.pathname.slice(1);
	await later.database.query(`create database ${name}`);
	await expect
		.poll(() => log.submit(textEntry('early')).catch(() => undefined), { timeout: 20_000 })
		.toMatchObject({
			index: 0,
		});
	expect((await v1.read())?.size).toBe(1);
	await world.end();
	await later.database.query(`drop database ${name} with (force)`);
	await later.drop();
});
