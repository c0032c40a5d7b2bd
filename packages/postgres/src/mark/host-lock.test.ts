import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openFileMark, readFileMark } from './file-mark.ts';
import type { Mark } from './mark.ts';

let folder: string;
let path: string;
let number = 0;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'host-lock-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
	path = join(folder, String(number++), 'mark.json');
});

const children: ChildProcess[] = [];
afterEach(() => {
	for (const child of children.splice(0)) child.kill('SIGKILL');
});

const markAt = (size: number): Mark => ({
	origin: 'log.example',
	keyId: new Uint8Array(32),
	size,
	root: new Uint8Array(32).fill(size),
	note: new Uint8Array(1),
});

const FILE_MARK = JSON.stringify(import.meta.resolve('./file-mark.ts'));
const MARK_AT = `const markAt = (size) => ({ origin: 'log.example', keyId: new Uint8Array(32), size, root: new Uint8Array(32).fill(size), note: new Uint8Array(1) });`;

/** A process that takes its turn and stays there. The timer keeps the lock, which ends with the object that has it. */
const HOLD = `const { HostLock } = await import(${JSON.stringify(import.meta.resolve('./host-lock.ts'))});
const lock = new HostLock(process.argv[1]);
await lock.turn(() => new Promise((resolve) => { console.log('held'); setInterval(() => lock ?? resolve(), 1000); }));`;

/** A process that has the mark open, and is not in a turn. */
const SHARE = `const { openFileMark } = await import(${FILE_MARK});
const mark = openFileMark(process.argv[1]);
await mark.read();
console.log('held');
setInterval(() => mark, 1000);`;

/** Moves the mark to 10, and is stopped when the new file is complete and has not taken the place of the old one. */
const STOP_BEFORE_RENAME = `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const { rename } = fs.promises;
fs.promises.rename = async (from, to) => {
	if (to === process.argv[1]) { fs.writeSync(1, 'stopping'); process.kill(process.pid, 'SIGSTOP'); }
	return rename(from, to);
};
syncBuiltinESMExports();
const { openFileMark } = await import(${FILE_MARK});
${MARK_AT}
const mark = openFileMark(process.argv[1]);
await mark.advance(markAt(10));
await mark.close();`;

/** Has published 10 and is stopped before it says so to the mark; tells where the mark stands when it is back. */
const STOP_BEFORE_TURN = `import { writeSync } from 'node:fs';
const { openFileMark } = await import(${FILE_MARK});
${MARK_AT}
const mark = openFileMark(process.argv[1]);
await mark.read();
writeSync(1, 'stopping');
process.kill(process.pid, 'SIGSTOP');
await mark.advance(markAt(10));
writeSync(1, ' stands at ' + (await mark.read()).size);
await mark.close();`;

interface Started {
	readonly child: ChildProcess;
	readonly ended: Promise<unknown>;
	said(): string;
}

async function start(program: string, firstWord: RegExp): Promise<Started> {
	const child = spawn(process.execPath, ['--input-type=module', '-e', program, path], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	children.push(child);
	let said = '';
	child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
		said += chunk;
	});
	const ended = once(child, 'exit');
	await expect.poll(() => said, { timeout: 30_000 }).toMatch(firstWord);
	return { child, ended, said: () => said };
}

describe('a process that is stopped', { timeout: 90_000 }, () => {
	it('in its turn is waited for for a bounded time; killed, it is not waited for', async () => {
		const { child, ended } = await start(HOLD, /held/);
		child.kill('SIGSTOP');
		const mark = openFileMark(path);
		await expect(mark.read()).rejects.toThrow(/was busy for 4 s: .*a process that has it is stopped/);
		child.kill('SIGKILL');
		await ended;
		await expect(mark.read()).resolves.toBeUndefined();
		await mark.close?.();
	});

	it('in the middle of its write keeps the others from theirs, and has written before they have', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(5));
		const { child, ended } = await start(STOP_BEFORE_RENAME, /stopping/);
		await expect(mark.advance(markAt(20))).rejects.toThrow(/was busy for 4 s/);
		expect((await readFileMark(path))?.size).toBe(5);
		child.kill('SIGCONT');
		await mark.advance(markAt(20));
		await ended;
		expect((await mark.read())?.size).toBe(20);
		await mark.close?.();
	});

	it('before its turn looks again when it is back, and writes nothing that is older by then', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(5));
		const { child, ended, said } = await start(STOP_BEFORE_TURN, /stopping/);
		await mark.advance(markAt(20));
		child.kill('SIGCONT');
		await ended;
		expect(said()).toBe('stopping stands at 20');
		expect((await mark.read())?.size).toBe(20);
		await mark.close?.();
	});
});

describe('the host that a mark belongs to', () => {
	it('is told by the start of its kernel: all that begin together after a restart have it', async () => {
		const before = openFileMark(path);
		await before.advance(markAt(5));
		await before.close?.();
		await writeFile(`${path}.host`, JSON.stringify({ host: 'an earlier start', process: 1, name: hostname() }));
		const marks = Array.from({ length: 6 }, () => openFileMark(path));
		const found = await Promise.all(marks.map((mark) => mark.read()));
		expect(found.map((mark) => mark?.size)).toEqual(Array(6).fill(5));
		for (const mark of marks) await mark.close?.();
	});

	it('is written down again when somebody removed the record', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(5));
		await rm(`${path}.host`);
		expect((await mark.read())?.size).toBe(5);
		await writeFile(`${path}.host`, JSON.stringify({ host: 'another boot', process: 12, name: 'node-b' }));
		await expect(mark.read()).rejects.toThrow(/in use by process 12 on node-b: that is another host/);
		await mark.close?.();
	});
});

describe('who wants a mark alone', () => {
	it('is told who has it, and not its own number', async () => {
		const { child } = await start(SHARE, /held/);
		const refusal = new RegExp(`in use by process ${child.pid} on ${hostname()}: stop every process`);
		await expect(openFileMark(path).takeAlone?.()).rejects.toThrow(refusal);
	});

	it.runIf(process.geteuid?.() === 0)('must be the user whose mark it is', async () => {
		const mark = openFileMark(path);
		await mark.advance(markAt(5));
		await mark.close?.();
		await chown(`${path}.lock`, 65_534, 65_534);
		const again = openFileMark(path);
		await expect(again.takeAlone?.()).rejects.toThrow(
			/belongs to the user with the id 65534, and this is the one with the id 0: run the command as that user/,
		);
		await expect(again.replace(markAt(1))).rejects.toThrow(/run the command as that user/);
		expect((await again.read())?.size).toBe(5);
		await again.close?.();
	});
});
