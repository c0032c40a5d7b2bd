import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@chancery/testkit/free-port';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';

const MAIN = fileURLToPath(new URL('../../test/supervised.ts', import.meta.url));
const WAIT = { timeout: 60_000, interval: 20 };
/** Longer than one that stops has asked for. */
const AFTER_THE_LIMIT_MS = 2_500;

/** More than six times the pause between two questions. */
const STOPPED_MS = 4_000;

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), 'chancery-processes-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const supervisors: ChildProcess[] = [];
afterEach(() => {
	for (const one of supervisors.splice(0)) one.kill('SIGKILL');
});

interface Supervised {
	readonly child: ChildProcess;
	/** Answered by any of them with its id. */
	readonly url: string;
	/** Exit code, or the signal that killed it. */
	readonly exit: Promise<number | string>;
	log(): string;
	/** Says what each process does that starts from now on. */
	behave(how: string): void;
	/** Ids of all processes that have said that they started, with the numbers of their places. */
	started(): { readonly place: number; readonly pid: number }[];
	/** Waits until so many have started, and answers the newest of a place. */
	untilStarted(count: number): Promise<(place: number) => number>;
}

async function supervise(how: string): Promise<Supervised> {
	const file = join(folder, `${supervisors.length}-${Math.random()}`);
	const behave = (text: string) => writeFileSync(file, text);
	behave(how);
	const port = await freePort();
	const child = spawn(process.execPath, [MAIN, file, String(port)], {
		env: { PATH: process.env.PATH },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	supervisors.push(child);
	let [said, log] = ['', ''];
	child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
		said += chunk;
	});
	child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
		log += chunk;
	});
	const exit = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string);
	const started = () =>
		[...said.matchAll(/started (\d+) (\d+)/g)].map(([, place, pid]) => ({ place: Number(place), pid: Number(pid) }));
	const untilStarted = async (count: number) => {
		await expect.poll(() => started().length, WAIT).toBeGreaterThanOrEqual(count);
		return (place: number) => started().findLast((one) => one.place === place)?.pid ?? 0;
	};
	return { child, url: `http://127.0.0.1:${port}/`, exit, log: () => log, behave, started, untilStarted };
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

it('one that somebody stops in order is started again, and nothing happens to the others', async () => {
	const run = await supervise('run');
	const pidOf = await run.untilStarted(3);
	const others = [pidOf(1), pidOf(3)];
	process.kill(pidOf(2), 'SIGTERM');
	await run.untilStarted(4);
	await sleep(AFTER_THE_LIMIT_MS);
	expect(run.child.exitCode).toBeNull();
	expect([...others, pidOf(2)].filter(isAlive)).toHaveLength(3);
	run.child.kill('SIGTERM');
	expect(await run.exit).toBe(0);
});

it('one whose configuration is at fault by now is tried again, while the others serve', async () => {
	const run = await supervise('run');
	const pidOf = await run.untilStarted(3);
	const others = [pidOf(1), pidOf(3)];
	run.behave('exit 78');
	process.kill(pidOf(2), 'SIGKILL');
	await expect.poll(run.log, WAIT).toMatch(/"code":78,.*"msg":"a process ended; it is started again"/);
	run.behave('run');
	await run.untilStarted(4);
	expect(others.filter(isAlive)).toEqual(others);
	run.child.kill('SIGTERM');
	expect(await run.exit).toBe(0);
});

it('when the last one says that the configuration is at fault, all is over', async () => {
	const run = await supervise('run');
	const pidOf = await run.untilStarted(3);
	run.behave('exit 78');
	for (const place of [1, 2, 3]) process.kill(pidOf(place), 'SIGKILL');
	expect(await run.exit).toBe(78);
});

it('one that was running is started again without delay, however often it is killed', async () => {
	const run = await supervise('run');
	let pidOf = await run.untilStarted(3);
	for (let kill = 1; kill <= 6; kill++) {
		process.kill(pidOf(1), 'SIGKILL');
		pidOf = await run.untilStarted(3 + kill);
	}
	expect(run.log().match(/"pauseMs":\d+/g)).toEqual(Array(6).fill('"pauseMs":500'));
});

it('one that does not start is tried again after pauses that grow', async () => {
	const run = await supervise('run');
	const pidOf = await run.untilStarted(3);
	run.behave('exit 1');
	process.kill(pidOf(1), 'SIGKILL');
	await expect.poll(() => run.log().match(/"pauseMs":\d+/g), WAIT).toHaveLength(3);
	expect(run.log().match(/"pauseMs":\d+/g)).toEqual(['"pauseMs":500', '"pauseMs":500', '"pauseMs":1000']);
});

it('that no other process can be started is told, tried again, and ends nobody', async () => {
	const run = await supervise('run');
	const pidOf = await run.untilStarted(3);
	const others = [pidOf(1), pidOf(3)];
	run.child.kill('SIGUSR2');
	process.kill(pidOf(2), 'SIGKILL');
	await expect.poll(run.log, WAIT).toMatch(/ENOENT.*a process could not be started; it is tried again/);
	expect(others.filter(isAlive)).toEqual(others);
	run.child.kill('SIGHUP');
	await run.untilStarted(4);
	run.child.kill('SIGTERM');
	expect(await run.exit).toBe(0);
});

it('one that is stopped by a signal is killed and started again; the others are left alone', async () => {
	const run = await supervise('run');
	const pidOf = await run.untilStarted(3);
	const others = [pidOf(1), pidOf(3)];
	process.kill(pidOf(2), 'SIGSTOP');
	await run.untilStarted(4);
	expect(run.log()).toMatch(/"msg":"a process answers no more; it is killed"/);
	expect(run.log()).toMatch(/"process":2,"code":null,"signal":"SIGKILL"/);
	expect(others.filter(isAlive)).toEqual(others);
});

it('one that is stopped by a signal or killed takes no connection with it that it has not accepted', async () => {
	const run = await supervise('run');
	const pidOf = await run.untilStarted(3);
	const stopped = pidOf(2);
	process.kill(stopped, 'SIGSTOP');
	const ask = () => fetch(run.url, { signal: AbortSignal.timeout(30_000) }).then((answer) => answer.text());
	const answers = await Promise.all(Array.from({ length: 30 }, ask));
	expect(answers).not.toContain(String(stopped));
});

it('a supervisor that was stopped together with its processes finds none of them late', async () => {
	const run = await supervise('run');
	const pidOf = await run.untilStarted(3);
	const all = [run.child.pid as number, ...[1, 2, 3].map(pidOf)];
	for (const pid of all) process.kill(pid, 'SIGSTOP');
	await sleep(STOPPED_MS);
	for (const pid of all) process.kill(pid, 'SIGCONT');
	run.child.kill('SIGTERM');
	expect(await run.exit).toBe(0);
	expect(run.log()).not.toContain('answers no more');
});

it('a stop while some have just begun is an orderly one', async () => {
	const run = await supervise('run');
	await run.untilStarted(1);
	run.child.kill('SIGTERM');
	expect(await run.exit).toBe(0);
});

it('a second signal, later, ends them as they are', async () => {
	const run = await supervise('drain 60000');
	const pidOf = await run.untilStarted(3);
	const pids = [1, 2, 3].map(pidOf);
	run.child.kill('SIGTERM');
	await expect.poll(run.log, WAIT).toContain('"msg":"stopping"');
	await sleep(1_500);
	run.child.kill('SIGTERM');
	expect(await run.exit).toBe(1);
	expect(pids.filter(isAlive)).toEqual([]);
});
