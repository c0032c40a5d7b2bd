import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from '../test/supervised.ts';
import { lockSupervisor, type SupervisorLock } from './supervisor-lock.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let dataDir: string;
beforeEach(async () => {
	dataDir = await makeFolder(cleanUps);
});

const lockFile = () => join(dataDir, 'supervisor.json');

it('is held until released, and leaves no file behind', async () => {
	const lock = await lockSupervisor(dataDir);
	await expect(lockSupervisor(dataDir)).rejects.toMatchObject({ code: 'in-use' });
	await lock.release();
	await (await lockSupervisor(dataDir)).release();
	expect(await readdir(dataDir)).toEqual([]);
});

it('is taken by exactly one of many who find a dead holder', async () => {
	await writeFile(lockFile(), '{"pid":999999999,"identity":"gone","folder":"0:0"}');
	const results = await Promise.allSettled(Array.from({ length: 12 }, () => lockSupervisor(dataDir)));
	const winners = results.filter(
		(result): result is PromiseFulfilledResult<SupervisorLock> => result.status === 'fulfilled',
	);
	expect(winners).toHaveLength(1);
	expect(await readdir(dataDir)).toEqual(['supervisor.json']);
	await winners[0]?.value.release();
});

it('is not kept by another process that now has the number of the holder', async () => {
	const first = await lockSupervisor(dataDir);
	const holder = JSON.parse(await readFile(lockFile(), 'utf8'));
	await first.release();
	await writeFile(lockFile(), JSON.stringify({ ...holder, identity: 'earlier boot:12345' }));
	await (await lockSupervisor(dataDir)).release();
});

it('is not kept by a file that came along in a copy of the folder', async () => {
	const first = await lockSupervisor(dataDir);
	const copy = await makeFolder(cleanUps);
	await writeFile(join(copy, 'supervisor.json'), await readFile(lockFile()));
	await (await lockSupervisor(copy)).release();
	await first.release();
});

it.each(['', '{', 'null', '[]', '"x"', '{"pid":"1"}', '{"pid":-1}', '\0\0\0'])(
	'is taken from a file that holds %j',
	async (text) => {
		await writeFile(lockFile(), text);
		await (await lockSupervisor(dataDir)).release();
	},
);
