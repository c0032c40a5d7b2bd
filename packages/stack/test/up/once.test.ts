/** `--once`, and what a folder that was made once refuses afterwards. */
import { access, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, readInstance, removePlaces, up } from './instance.ts';
import { type DatabaseTrace, databaseOf, databaseProcesses, openPorts } from './processes.ts';
import type { End, Run } from './run.ts';

let place: Place;
let run: Run;
let end: End;

beforeAll(async () => {
	place = await makePlace();
	run = up(place, ['--once']);
	end = await run.ended;
});
afterAll(removePlaces);

const listen = (port: number, host: string) =>
	new Promise<Server>((resolve, reject) => {
		const server = createServer((socket) => socket.on('error', () => undefined).end('foreign'));
		server.once('error', reject);
		server.listen(port, host, () => resolve(server));
	});
const close = (server: Server) => new Promise((resolve) => server.close(resolve));
const isRunning = (pid: number) => {
	try {
		return process.kill(pid, 0);
	} catch {
		// Only ESRCH is possible: whoever runs the tests may signal what the tests started.
		return false;
	}
};

describe('chancery up --once', () => {
	it('exits with 0 after the self-test', () => {
		expect({ ...end, stderr: run.stderr }).toMatchObject({ code: 0, signal: null });
		expect(run.stderr).toMatch(/self-test: .* with the v2 log/);
		expect(run.stdout.split('\n').filter((line) => line.startsWith('ready'))).toHaveLength(1);
	});

	it('leaves the files that it promises', async () => {
		const instance = await readInstance(place);
		for (const path of [instance.root.path, instance.trustedRoot, instance.signingConfig, instance.clientTrustConfig])
			expect(JSON.parse(await readFile(path, 'utf8'))).toBeTypeOf('object');
	});

	it('leaves nothing running: no process, no port, no socket', async () => {
		const database = (await databaseOf(place)) as DatabaseTrace;
		expect(isRunning(Number(await readFile(join(place.data, 'lock.pid'), 'utf8')))).toBe(false);
		expect(await databaseProcesses(database)).toEqual([]);
		expect(await openPorts(place)).toEqual([]);
		await expect(access(database.runtimeDir ?? '')).rejects.toThrow('ENOENT');
	});

	it('prints instance.json as one line when asked for JSON', async () => {
		const again = up(place, ['--once', '--json']);
		expect(await again.ended).toEqual({ code: 0, signal: null });
		expect(JSON.parse(again.stdout)).toEqual(await readInstance(place));
		expect(again.stdout.split('\n')).toHaveLength(2);
	});
});

describe('a folder that holds an instance', () => {
	it('refuses other ports, naming the ones that it was made with', async () => {
		const other = up(place, ['--port-base', String(place.portBase + 100)]);
		expect(await other.ended).toEqual({ code: 1, signal: null });
		expect(other.stdout).toBe('');
		expect(other.stderr).toMatch(new RegExp(`^error: .*made with --port-base ${place.portBase}\\b.*\n$`, 'm'));
	});

	it.each([
		['127.0.0.1', 3],
		['::1', 6],
	])('refuses to start beside a foreign program on a port of its own at %s, naming the port', async (host, offset) => {
		const foreign = await listen(place.portBase + offset, host);
		try {
			const blocked = up(place);
			expect(await blocked.ended).toEqual({ code: 1, signal: null });
			expect(blocked.stdout).toBe('');
			expect(blocked.stderr).toMatch(new RegExp(`^error: port ${place.portBase + offset} is in use.*\n$`, 'm'));
			expect(await databaseProcesses((await databaseOf(place)) as DatabaseTrace)).toEqual([]);
			expect(await openPorts(place)).toEqual([place.portBase + offset]);
		} finally {
			await close(foreign);
		}
	});

	it('refuses to continue logs whose marks are lost, and leaves nothing running', async () => {
		const blocked = up(place, [], { env: { XDG_STATE_HOME: join(place.base, 'other-state') } });
		expect(await blocked.ended).toEqual({ code: 1, signal: null });
		expect(blocked.stdout).toBe('');
		expect(blocked.stderr).toMatch(/^error: .*may not grow.*mark.*chancery log adopt-head.*\n$/m);
		expect(await databaseProcesses((await databaseOf(place)) as DatabaseTrace)).toEqual([]);
		expect(await openPorts(place)).toEqual([]);
	});
});

describe.concurrent('a new folder', () => {
	it('is not bound to ports that were found in use', async ({ expect }) => {
		const fresh = await makePlace();
		const foreign = [await listen(fresh.portBase + 7, '127.0.0.1'), await listen(fresh.portBase + 12, '127.0.0.1')];
		try {
			const first = up(fresh);
			expect(await first.ended).toEqual({ code: 1, signal: null });
			expect(first.stderr).toContain(`port ${fresh.portBase + 7} is in use`);
			const second = up(fresh, ['--port-base', String(fresh.portBase + 10)]);
			expect(await second.ended).toEqual({ code: 1, signal: null });
			expect(second.stderr).toContain(`port ${fresh.portBase + 12} is in use`);
		} finally {
			await Promise.all(foreign.map(close));
		}
	});

	it('ends all services when somebody takes the port of one while they start', async ({ expect }) => {
		const fresh = await makePlace();
		const blocked = up(fresh);
		// The ports were found free; the database has yet to be made.
		await blocked.said(/development keys/);
		const foreign = await listen(fresh.portBase + 6, '127.0.0.1');
		try {
			expect(await blocked.ended).toEqual({ code: 1, signal: null });
			expect(blocked.stderr).toMatch(new RegExp(`^error: port ${fresh.portBase + 6} is in use.*\n$`, 'm'));
			expect(await databaseProcesses((await databaseOf(fresh)) as DatabaseTrace)).toEqual([]);
			expect(await openPorts(fresh)).toEqual([fresh.portBase + 6]);
		} finally {
			await close(foreign);
		}
	});

	it('goes to one of two that start at once', async ({ expect }) => {
		const fresh = await makePlace();
		const ends = await Promise.all(
			[up(fresh, ['--once']), up(fresh, ['--once'])].map(async (start) => ({
				...(await start.ended),
				isReady: /^ready/m.test(start.stdout),
				refusal: /^error.*$/m.exec(start.stderr)?.[0],
			})),
		);
		ends.sort((a, b) => Number(a.code) - Number(b.code));
		expect(ends).toEqual([
			{ code: 0, signal: null, isReady: true, refusal: undefined },
			{ code: 1, signal: null, isReady: false, refusal: expect.stringContaining('in use by a running chancery') },
		]);
	});
});
