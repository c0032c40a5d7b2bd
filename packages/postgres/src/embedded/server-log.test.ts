import { writeSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from '../../test/supervised.ts';
import { boundLog, openServerLog } from './server-log.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let path: string;
beforeEach(async () => {
	path = join(await makeFolder(cleanUps), 'postgres.log');
});

it('shows only what was written since it was opened, the last lines of it', async () => {
	await writeFile(path, 'an earlier run\n');
	const log = await openServerLog(path);
	expect(await log.tail()).toBe('');
	for (let i = 0; i < 100; i++) writeSync(log.fd, `line ${i}\n`);
	const lines = (await log.tail()).split('\n');
	expect([lines.length, lines[0], lines.at(-1)]).toEqual([20, 'line 80', 'line 99']);
	await log.close();
	expect(await readFile(path, 'utf8')).toContain('an earlier run');
});

it('bounds what it shows of one endless line', async () => {
	const log = await openServerLog(path);
	writeSync(log.fd, 'x'.repeat(1_000_000));
	expect((await log.tail()).length).toBeLessThanOrEqual(8 * 1024);
	await log.close();
});

it('is cut off under a server that goes on writing, with one old copy', async () => {
	const log = await openServerLog(path, 1000);
	writeSync(log.fd, 'a'.repeat(1001));
	await boundLog(path, 1000);
	writeSync(log.fd, 'after');
	expect(await readFile(path, 'utf8')).toBe('after');
	expect(await readFile(`${path}.1`, 'utf8')).toBe('a'.repeat(1001));
	expect(await log.tail()).toBe('after');
	await boundLog(path, 1000);
	expect(await readFile(path, 'utf8')).toBe('after');
	await log.close();
});

it('begins anew when an earlier run left it too long', async () => {
	await writeFile(path, 'b'.repeat(1001));
	const log = await openServerLog(path, 1000);
	expect(await readFile(path, 'utf8')).toBe('');
	expect(await readFile(`${path}.1`, 'utf8')).toBe('b'.repeat(1001));
	await log.close();
});

it('is cut off without a copy where there is no room for one', async () => {
	const log = await openServerLog(path, 1000);
	writeSync(log.fd, 'a'.repeat(1001));
	// A folder with the name of the copy causes the same failure as a full disk.
	await mkdir(`${path}.1`);
	await boundLog(path, 1000).catch(() => undefined);
	expect((await stat(path)).size).toBe(0);
	await log.close();
});
