import { constants } from 'node:fs';
import { chmod, lstat, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolder as makeTestFolder } from '../test/supervised.ts';
import { makeFolder, makeFolders, openToWrite, provideFolder, setFolderMode, writeDurably } from './file-modes.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
let folder: string;
let umask: number;
beforeEach(async () => {
	folder = await makeTestFolder(cleanUps);
	umask = process.umask();
});
afterEach(async () => {
	process.umask(umask);
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const modeOf = async (...path: string[]) => (await lstat(join(folder, ...path))).mode & 0o7777;

describe.each([0o022, 0o077, 0o000, 0o027])('under the umask %o', (mask) => {
	it('folders and files have the mode that is asked for', async () => {
		process.umask(mask);
		for (const mode of [0o700, 0o711, 0o755]) {
			expect(await makeFolder(join(folder, `d${mode}`), mode)).toBe('made');
			await makeFolders(join(folder, `a${mode}`, 'b', 'c'), mode);
			expect(await modeOf(`d${mode}`)).toBe(mode);
			for (const path of [['b', 'c'], ['b'], []]) expect(await modeOf(`a${mode}`, ...path)).toBe(mode);
		}
		for (const mode of [0o600, 0o644]) {
			await writeDurably(join(folder, `f${mode}`), 'text', mode);
			expect(await modeOf(`f${mode}`)).toBe(mode);
		}
	});

	it('a file that was there gets the mode too', async () => {
		await writeFile(join(folder, 'old'), 'old', { mode: 0o666 });
		await chmod(join(folder, 'old'), 0o666);
		process.umask(mask);
		await (await openToWrite(join(folder, 'old'), constants.O_CREAT | constants.O_APPEND, 0o600)).close();
		expect(await modeOf('old')).toBe(0o600);
	});
});

it('a bit that a folder hands down is not taken over', async () => {
	await mkdir(join(folder, 'group'));
	await chmod(join(folder, 'group'), 0o2775);
	await makeFolder(join(folder, 'group', 'mine'), 0o700);
	expect(await modeOf('group', 'mine')).toBe(0o700);
});

it('a folder that a crash left with another mode gets the one that is meant', async () => {
	await mkdir(join(folder, 'ours'), { mode: 0o700 });
	await provideFolder(join(folder, 'ours'), 0o711);
	await provideFolder(join(folder, 'new'), 0o711);
	expect([await modeOf('ours'), await modeOf('new')]).toEqual([0o711, 0o711]);
});

it('what is there stays as it is', async () => {
	await mkdir(join(folder, 'mine'));
	await chmod(join(folder, 'mine'), 0o750);
	expect(await makeFolder(join(folder, 'mine'), 0o700)).toBe('exists');
	expect(await modeOf('mine')).toBe(0o750);
});

it('no link is followed', async () => {
	await writeFile(join(folder, 'target'), 'kept');
	await mkdir(join(folder, 'inside'));
	await chmod(join(folder, 'inside'), 0o750);
	await symlink('target', join(folder, 'link'));
	await symlink('inside', join(folder, 'way'));
	await expect(openToWrite(join(folder, 'link'), constants.O_TRUNC, 0o600)).rejects.toMatchObject({ code: 'ELOOP' });
	await expect(setFolderMode(join(folder, 'way'), 0o700)).rejects.toMatchObject({ code: 'ENOTDIR' });
	await symlink('target', join(folder, 'new.new'));
	await expect(writeDurably(join(folder, 'new'), 'x', 0o600)).rejects.toMatchObject({ code: 'ELOOP' });
	expect(await readFile(join(folder, 'target'), 'utf8')).toBe('kept');
	expect(await modeOf('inside')).toBe(0o750);
});
