/** `chancery doctor` on a real instance: nothing is wrong with a healthy one; then each thing is broken in turn. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InstanceFolder, makeInstanceFolder } from '../../test/serve/instance-folder.ts';
import { publishTrust } from '../../test/serve/sign-with.ts';
import { Run } from '../../test/up/run.ts';

const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');
let folder: string;
let data: TestDatabase;
let instance: InstanceFolder;
let run: Run;

async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
	const run = promisify(execFile)(CHANCERY, args, { cwd: '/', env: { PATH: process.env.PATH } });
	return run.then(
		({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
		({ code, stdout, stderr }) => ({ code, stdout, stderr }),
	);
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-doctor-'));
	data = await createTestDatabase();
	instance = await makeInstanceFolder(folder, data.url);
});
afterAll(async () => {
	run?.kill('SIGKILL');
	await data.drop();
	await rm(folder, { recursive: true });
});
it('x', async () => {
	console.log(await command('doctor', '--config', instance.configFile));
	for (const args of [['migrate'], ['log', 'create']])
		expect(await command(...args, '--config', instance.configFile)).toMatchObject({ code: 0 });
	console.log(await command('doctor', '--config', instance.configFile));
	const child = spawn(CHANCERY, ['serve', '--config', instance.configFile], {
		cwd: '/',
		env: { PATH: process.env.PATH },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	run = new Run(child);
	await expect.poll(() => run.stderr.split('"listening"').length - 1, { timeout: 60000 }).toBe(13);
	console.log(await command('doctor', '--config', instance.configFile));
	await publishTrust(instance);
	console.log((await command('doctor', '--config', instance.configFile)).stdout);
	console.log((await command('doctor', 'ca', '--config', instance.configFile, '--json')).stdout);
}, 300000);
