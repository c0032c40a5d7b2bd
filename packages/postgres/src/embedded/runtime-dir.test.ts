import { chmod, chown, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { IS_ROOT, makeFolder } from '../../test/supervised.ts';
import { makeRuntimeDir, type RuntimeDirInput, removeEarlierRuntimeDir, removeRuntimeDir } from './runtime-dir.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A new instance name each time, so that names in /tmp do not collide with those of other runs. */
const inputFor = (xdgRuntimeDir?: string): RuntimeDirInput => ({
	dataDir: `/data/${'x'.repeat(200)}`,
	instance: crypto.randomUUID(),
	root: undefined,
	xdgRuntimeDir,
});

async function make(input: RuntimeDirInput): Promise<string> {
	const dir = await makeRuntimeDir(input);
	cleanUps.push(() => rm(dir, { recursive: true, force: true }));
	return dir;
}

describe('makeRuntimeDir', () => {
	it('makes a short private folder in /tmp and finds it again', async () => {
		const input = inputFor();
		const dir = await make(input);
		expect(dir).toMatch(/^\/tmp\/chancery-\d+-[0-9a-f]{12}$/);
		expect((await stat(dir)).mode & 0o7777).toBe(0o700);
		expect(await makeRuntimeDir(input)).toBe(dir);
		expect(await make({ ...input, dataDir: '/elsewhere' })).not.toBe(dir);
	});

	it('uses the session folder when it is private and short', async () => {
		const session = join(await makeFolder(cleanUps), 'session');
		await mkdir(session, { mode: 0o700 });
		expect(join(await make(inputFor(session)), '..')).toBe(session);
	});

	it.each([
		['open to others', async (path: string) => mkdir(path).then(() => chmod(path, 0o755)), 'session'],
		['missing', async () => undefined, 'session'],
		['a file', async (path: string) => writeFile(path, ''), 'session'],
		['with a comma, which the server takes for two', (path: string) => mkdir(path, { mode: 0o700 }), 'a,b'],
		['with a space', (path: string) => mkdir(path, { mode: 0o700 }), 'a b'],
		['long', (path: string) => mkdir(path, { mode: 0o700 }), 'x'.repeat(60)],
	])('does not use a session folder that is %s', async (_, prepare, name) => {
		const session = join(await makeFolder(cleanUps), name);
		await prepare(session);
		expect(await make(inputFor(session))).toMatch(/^\/tmp\//);
	});

	it('does not use a relative session folder', async () => {
		expect(await make(inputFor('session'))).toMatch(/^\/tmp\//);
	});

	const PLANTED: [name: string, plant: (path: string) => Promise<void>][] = [
		['a folder open to others', async (path) => mkdir(path).then(() => chmod(path, 0o777))],
		['a link to a private folder', (path) => symlink('/tmp', path)],
		['a file', (path) => writeFile(path, '')],
	];
	if (IS_ROOT)
		PLANTED.push(["someone else's folder", async (path) => mkdir(path, 0o700).then(() => chown(path, 1, 1))]);

	it.each(PLANTED)('does not use %s that has its name already', async (_, plant) => {
		const input = inputFor();
		const usual = await makeRuntimeDir(input);
		await removeRuntimeDir(usual);
		await plant(usual);
		cleanUps.push(() => rm(usual, { recursive: true }));
		const dir = await make(input);
		expect(dir).not.toBe(usual);
		expect(basename(dir).startsWith(basename(usual))).toBe(true);
		expect((await stat(dir)).mode & 0o7777).toBe(0o700);
	});
});

describe('removal', () => {
	it('removes the socket and its lock, and keeps a folder with anything else', async () => {
		const dir = await make(inputFor());
		for (const name of ['.s.PGSQL.5432', '.s.PGSQL.5432.lock', 'note']) await writeFile(join(dir, name), '');
		await removeRuntimeDir(dir);
		expect(await readdir(dir)).toEqual(['note']);
		await rm(join(dir, 'note'));
		await removeRuntimeDir(dir);
		await expect(stat(dir)).rejects.toThrow('ENOENT');
		await removeRuntimeDir(dir);
	});

	it('of an earlier folder leaves alone what another data folder, or another program, recorded', async () => {
		const original = inputFor();
		const dir = await make(original);
		await writeFile(join(dir, '.s.PGSQL.5432'), '');
		await removeEarlierRuntimeDir(dir, { ...original, dataDir: '/data/copy' });
		expect(await readdir(dir)).toEqual(['.s.PGSQL.5432']);
		await removeEarlierRuntimeDir(dir, original);
		await expect(stat(dir)).rejects.toThrow('ENOENT');
	});
});
