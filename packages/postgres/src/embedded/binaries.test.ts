import { chmod, cp, lstat, mkdir, readdir, readlink, rm, truncate, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { IS_ROOT, makeFolder } from '../../test/supervised.ts';
import { type Binaries, findBinaries, probeBinaries, restoreLinks, useNative } from './binaries.ts';

const NOBODY = { uid: 65534, gid: 65534 };

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let installed: Binaries;
beforeAll(async () => {
	installed = await findBinaries(undefined, '/nonexistent');
});

/** A copy of the installed package's files that a test may spoil. */
async function copyOfNative(folder: string): Promise<string> {
	const native = join(folder, 'native');
	await cp(dirname(installed.binDir), native, { recursive: true, verbatimSymlinks: true });
	return native;
}

async function linksOf(native: string): Promise<Record<string, string>> {
	const entries = await readdir(join(native, 'lib'), { withFileTypes: true });
	const names = entries.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name);
	const targets = names.map(async (name) => [name, await readlink(join(native, 'lib', name))] as const);
	return Object.fromEntries(await Promise.all(targets));
}

describe('the programs of the platform', () => {
	it('run, and say their version', () => {
		expect(installed.version).toMatch(/^\d+\.\d+/);
		expect(installed.major).toBe(Number.parseInt(installed.version, 10));
	});

	it('get back the library links that no archive of npm can carry', async () => {
		const native = await copyOfNative(await makeFolder(cleanUps));
		const before = await linksOf(native);
		for (const name of Object.keys(before)) await unlink(join(native, 'lib', name));
		if (process.platform === 'linux')
			await expect(probeBinaries(join(native, 'bin'), undefined)).rejects.toMatchObject({ code: 'binaries-broken' });
		const user = IS_ROOT ? NOBODY : undefined;
		const found = await useNative(native, user, '/nonexistent/copy');
		expect(found.binDir).toBe(join(native, 'bin'));
		expect(await linksOf(native)).toEqual(before);
		expect(await restoreLinks(native)).toBe(true);
	});

	it('are copied when their path would confuse the shell that initdb uses', async () => {
		const folder = await makeFolder(cleanUps);
		const odd = join(folder, 'a "$HOME" b');
		await mkdir(odd);
		const native = await copyOfNative(odd);
		const path = join(folder, 'copy');
		const found = await useNative(native, undefined, path);
		expect(found).toEqual({ ...installed, binDir: join(path, 'bin') });
	});

	it('that do not run are named with what they said', async () => {
		const folder = await makeFolder(cleanUps);
		await expect(probeBinaries(folder, undefined)).rejects.toMatchObject({
			code: 'binaries-broken',
			message: expect.stringContaining('ENOENT'),
		});
	});

	if (IS_ROOT)
		it('are copied once to where the server may enter, and again when the copy is damaged', async () => {
			const folder = await makeFolder(cleanUps);
			const closed = join(folder, 'closed');
			await mkdir(closed, { mode: 0o700 });
			const native = await copyOfNative(closed);
			for (const name of Object.keys(await linksOf(native))) await unlink(join(native, 'lib', name));
			await chmod(join(native, 'share', 'postgresql', 'timezone'), 0o700);
			await chmod(join(native, 'share', 'postgresql', 'postgres.bki'), 0o600);
			await mkdir(join(folder, 'home'));
			const copy = join(folder, 'home', 'postgres-x');
			const found = await useNative(native, NOBODY, copy);
			expect(found.binDir).toBe(join(copy, 'bin'));
			expect((await lstat(join(copy, 'share', 'postgresql', 'postgres.bki'))).mode & 0o777).toBe(0o644);
			expect((await lstat(join(copy, 'share', 'postgresql', 'timezone'))).mode & 0o777).toBe(0o755);

			const { ino } = await lstat(copy);
			await useNative(native, NOBODY, copy);
			expect((await lstat(copy)).ino).toBe(ino);

			await truncate(join(copy, 'share', 'postgresql', 'postgres.bki'), 10);
			await rm(join(copy, 'share', 'postgresql', 'timezone'), { recursive: true });
			await useNative(native, NOBODY, copy);
			expect((await lstat(copy)).ino).not.toBe(ino);
			expect((await lstat(join(copy, 'share', 'postgresql', 'postgres.bki'))).size).toBeGreaterThan(10);
			expect(await readdir(join(folder, 'home'))).toEqual(['postgres-x']);
		});
});
