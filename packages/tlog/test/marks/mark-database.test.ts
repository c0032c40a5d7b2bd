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
