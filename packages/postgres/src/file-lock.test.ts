import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockFile } from './file-lock.ts';

let folder: string;
let path: string;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-lock-'));
	path = join(folder, 'it is locked');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const MODULE = join(import.meta.dirname, 'file-lock.ts');
const TRY = `const { lockFile } = await import(${JSON.stringify(MODULE)}); console.log((await lockFile(process.argv[1])) ? 'taken' : 'busy');`;
const inAnotherProcess = async () =>
	(await promisify(execFile)(process.execPath, ['--input-type=module', '-e', TRY, path])).stdout.trim();

it('excludes other parts of the process and other processes, until it is released', async () => {
	const lock = await lockFile(path);
	expect(lock).toBeDefined();
	expect(await lockFile(path)).toBeUndefined();
	expect(await inAnotherProcess()).toBe('busy');
	lock?.release();
	lock?.release();
	expect(await inAnotherProcess()).toBe('taken');
	(await lockFile(path))?.release();
});

it('is given to exactly one of many processes', async () => {
	const locks = await Promise.all(Array.from({ length: 12 }, () => lockFile(path)));
	expect(locks.filter((lock) => lock !== undefined)).toHaveLength(1);
	for (const lock of locks) lock?.release();
});

it('goes with a process that is killed', async () => {
	const holder = spawn(process.execPath, ['--input-type=module', '-e', `${TRY} setInterval(() => {}, 1000)`, path]);
	await once(holder.stdout, 'data');
	expect(await lockFile(path)).toBeUndefined();
	holder.kill('SIGKILL');
	await once(holder, 'exit');
	const lock = await lockFile(path);
	expect(lock).toBeDefined();
	lock?.release();
});

it('is one file, for its owner alone', async () => {
	const lock = await lockFile(path);
	expect((await stat(path)).mode & 0o777).toBe(0o600);
	// Whoever looks into the folder at the same time finds nothing else in it.
	expect(await readdir(folder)).toEqual(['it is locked']);
	lock?.release();
});

it('says what the file system says when the file cannot be made', async () => {
	await expect(lockFile(join(folder, 'missing', 'lock'))).rejects.toMatchObject({ code: 'ENOENT' });
});
