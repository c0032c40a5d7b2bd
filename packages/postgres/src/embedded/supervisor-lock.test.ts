import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from '../../test/supervised.ts';
import { lockSupervisor, type SupervisorLock } from './supervisor-lock.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let dataDir: string;
beforeEach(async () => {
	dataDir = await makeFolder(cleanUps);
});

it('is held until released, and names its holder while it is', async () => {
	const lock = await lockSupervisor(dataDir);
	await expect(lockSupervisor(dataDir)).rejects.toMatchObject({
		code: 'in-use',
		message: expect.stringMatching(/this process already runs/),
	});
	await lock.release();
	await (await lockSupervisor(dataDir)).release();
	expect(await readdir(dataDir)).toEqual(['supervisor.lock']);
});

it('is taken by exactly one of many', async () => {
	const results = await Promise.allSettled(Array.from({ length: 12 }, () => lockSupervisor(dataDir)));
	const winners = results.filter(
		(result): result is PromiseFulfilledResult<SupervisorLock> => result.status === 'fulfilled',
	);
	expect(winners).toHaveLength(1);
	await winners[0]?.value.release();
});

it.each(['', '12345678\n', 'x', '\0\0'])('does not ask the file that names a holder: %j', async (text) => {
	await writeFile(join(dataDir, 'supervisor.pid'), text);
	await (await lockSupervisor(dataDir)).release();
});
