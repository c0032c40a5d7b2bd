import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openFileMark } from './file-mark.ts';

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'host-lock-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A process that takes its turn and stays there. */
const HOLD = `const { HostLock } = await import(${JSON.stringify(import.meta.resolve('./host-lock.ts'))});
await new HostLock(process.argv[1]).turn(() => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); });`;

it('a process that is stopped in its turn is waited for for a bounded time, and one that is killed not at all', async () => {
	const path = join(folder, 'mark.json');
	const holder = spawn(process.execPath, ['--input-type=module', '-e', HOLD, path], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	await once(holder.stdout, 'data');
	holder.kill('SIGSTOP');
	const mark = openFileMark(path);
	await expect(mark.read()).rejects.toThrow(/was busy for 4 s: .*a process that has it is stopped/);
	holder.kill('SIGKILL');
	await once(holder, 'exit');
	await expect(mark.read()).resolves.toBeUndefined();
	await mark.close?.();
}, 20_000);
