/** `chancery serve` as an operator runs it: real processes, a real database, and a client that signs. */
import { execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type InstanceFolder, makeInstanceFolder, OPERATOR_TOKEN } from '../../test/serve/instance-folder.ts';
import { publishTrust, signAndVerify } from '../../test/serve/sign-with.ts';
import { Run } from '../../test/up/run.ts';

const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');
const NAMES = ['identity', 'ca', 'log', 'ctlog', 'tsa', 'tuf'];
/** The listeners of six services, one of which has two for clients. */
const LISTENERS = 13;
const SIGNED = [
	'trusted root and signing configuration fetched through TUF',
	expect.stringContaining('with the v1 log'),
	expect.stringContaining('with the v2 log'),
];
const WAIT = { timeout: 60_000, interval: 50 };

let folder: string;
let data: TestDatabase;
const runs: Run[] = [];

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-serve-'));
	data = await createTestDatabase();
});
afterEach(async () => {
	for (const run of runs.splice(0)) {
		run.kill('SIGKILL');
		await run.ended;
	}
});
afterAll(async () => {
	await data.drop();
	await rm(folder, { recursive: true });
});

/** From a folder that has nothing to do with the configuration: its paths are relative to the file. */
function serve(file: string, ...args: string[]): Run {
	return serveWith({}, file, ...args);
}

function serveWith(env: Record<string, string>, file: string, ...args: string[]): Run {
	const child = spawn(CHANCERY, ['serve', ...args, '--config', file], {
		cwd: '/',
		env: { PATH: process.env.PATH, ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const run = new Run(child);
	runs.push(run);
	return run;
}

async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
	const run = promisify(execFile)(CHANCERY, args, { cwd: '/', env: { PATH: process.env.PATH } });
	return run.then(
		({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
		({ code, stdout, stderr }) => ({ code, stdout, stderr }),
	);
}

function countOf(run: Run, words: string): number {
	return run.stderr.split(words).length - 1;
}

/** Waits until every listener of `processes` processes is bound. */
async function listening(run: Run, processes = 1): Promise<void> {
	await expect.poll(() => countOf(run, '"listening"'), WAIT).toBe(processes * LISTENERS);
}

async function treeSize({ url }: InstanceFolder): Promise<number> {
	const answer = await fetch(`${url('log.v1')}/api/v1/log`);
	return ((await answer.json()) as { treeSize: number }).treeSize;
}

function childrenOf(pid: number): number[] {
	return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

describe('before the database is migrated', () => {
	it.each([[[]], [['--processes', '2']]])(
		'nothing listens, and the command is named once (%j)',
		async (args) => {
			const { configFile } = await makeInstanceFolder(join(folder, 'unmigrated'), data.url);
			const run = serve(configFile, ...args);
			expect(await run.ended).toEqual({ code: 78, signal: null });
			expect(run.stderr).toMatch(/run 'chancery migrate [a-z]+ --config \S+chancery\.yaml'/);
			expect(run.stderr.trim().split('\n')).toHaveLength(1);
			expect(run.stderr).not.toMatch(/listening|"stack"/);
		},
		120_000,
	);
});

describe('a set of services', { timeout: 180_000 }, () => {
	let instance: InstanceFolder;
	let root: Uint8Array;
	beforeAll(async () => {
		instance = await makeInstanceFolder(join(folder, 'set'), data.url);
		for (const args of [['migrate'], ['log', 'create']])
			expect(await command(...args, '--config', instance.configFile)).toMatchObject({ code: 0 });
	});

	it('runs in one process that signs, and stops in order', async () => {
		const run = serve(instance.configFile);
		await listening(run);
		expect(childrenOf(run.pid)).toEqual([]);
		root = await publishTrust(instance);
		expect(await signAndVerify(instance, root)).toEqual(SIGNED);
		run.kill('SIGTERM');
		expect(await run.ended).toEqual({ code: 0, signal: null });
		expect(NAMES.filter((name) => !run.stderr.includes(`"service":"${name}","msg":"stopped"`))).toEqual([]);
	});

	it('is what was named, and no more', async () => {
		const run = serve(instance.configFile, 'tsa', 'tuf');
		await expect.poll(() => countOf(run, '"listening"'), WAIT).toBe(4);
		await expect(fetch(`${instance.url('ca.admin')}/healthz`)).rejects.toThrow();
		expect((await fetch(`${instance.url('tsa.admin')}/healthz`)).status).toBe(200);
	});

	it('opens whole or not at all: one that cannot leaves no port of another', async () => {
		const { config, configFile, url } = instance;
		const ca = config.ca as Record<string, unknown>;
		const file = `${configFile}.broken`;
		await writeFile(
			file,
			JSON.stringify({ ...config, ca: { ...ca, keys: { issuing: { uri: 'file:keys/tsa.pem' } } } }),
		);
		const run = serve(file);
		const { code } = await run.ended;
		expect(code).not.toBe(0);
		expect(run.stderr).not.toContain('"listening"');
		await expect(fetch(url('identity.public'))).rejects.toThrow();
	});

	it('is not ready while its marks cannot be written, and is again when they can', async () => {
		const run = serve(instance.configFile);
		await listening(run);
		// What the next write of a mark needs is in its way; a folder without rights would not keep root out.
		const marks = ['v1', 'v2', 'ctlog', 'tsa', 'tuf'].map((name) => join(instance.path, 'marks', `${name}.new`));
		const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
		const look = (service: string) => fetch(`${instance.url(`${service}.admin`)}/readyz`, { headers });
		const isReady = async (listener: string) =>
			((await (await fetch(`${instance.url(listener)}/status`)).json()) as { ready: boolean }).ready;
		const services = ['log', 'ctlog', 'tsa', 'tuf'];
		const listeners = ['log.v1', 'log.v2', 'ctlog.public', 'tsa.public', 'tuf.public'];
		const statuses = () => Promise.all(services.map(async (service) => (await look(service)).status));
		const allReady = () => Promise.all(listeners.map(isReady));
		await expect.poll(statuses, WAIT).toEqual(Array(4).fill(200));
		await expect.poll(allReady, WAIT).toEqual(Array(5).fill(true));

		for (const mark of marks) await mkdir(mark);
		await expect.poll(statuses, WAIT).toEqual(Array(4).fill(503));
		await expect.poll(allReady, WAIT).toEqual(Array(5).fill(false));
		for (const service of services)
			expect(JSON.stringify(await (await look(service)).json())).toMatch(/could not be written now \(EISDIR/);

		for (const mark of marks) await rm(mark, { recursive: true });
		await expect.poll(statuses, WAIT).toEqual(Array(4).fill(200));
		await expect.poll(allReady, WAIT).toEqual(Array(5).fill(true));
	});

	it('does not start with its mark on NFS', async () => {
		const program = `import fs from 'node:fs';
			import { syncBuiltinESMExports } from 'node:module';
			fs.promises.statfs = async () => ({ type: 0x6969 });
			syncBuiltinESMExports();`;
		const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}` };
		for (const service of ['log', 'ctlog', 'tsa', 'tuf']) {
			const run = serveWith(env, instance.configFile, service);
			expect(await run.ended).toEqual({ code: 78, signal: null });
			expect(run.stderr).toMatch(/the mark \S+ would lie on NFS, .* or use markDatabase or markBucket/);
			expect(run.stderr).not.toMatch(/listening|"stack"/);
		}
	});

	describe('in several processes', () => {
		it('signs; a killed one is started again; nothing that was acknowledged is lost; SIGTERM stops all', async () => {
			const run = serve(instance.configFile, '--processes', '2');
			await listening(run, 2);
			const [first = 0, second = 0] = childrenOf(run.pid);
			const before = await treeSize(instance);
			expect(await signAndVerify(instance, root)).toEqual(SIGNED);

			process.kill(first, 'SIGKILL');
			// Connections to the killed one are cut, as clients know it from any server; the other one goes on meanwhile.
			await expect.poll(() => signAndVerify(instance, root).catch(() => undefined), WAIT).toEqual(SIGNED);
			expect(childrenOf(run.pid)).toContain(second);
			await listening(run, 3);
			expect(run.stderr).toMatch(/"process":1,.*"signal":"SIGKILL".*"msg":"a process ended; it is started again"/);
			const again = childrenOf(run.pid);
			expect(again).toHaveLength(2);
			expect(again).toContain(second);
			expect(again).not.toContain(first);
			for (let i = 0; i < 3; i++) expect(await signAndVerify(instance, root)).toEqual(SIGNED);
			// Two for each that was signed.
			expect(await treeSize(instance)).toBeGreaterThanOrEqual(before + 5 * 2);

			run.kill('SIGTERM');
			expect(await run.ended).toEqual({ code: 0, signal: null });
			expect(again.filter(isAlive)).toEqual([]);
		});

		it('answers the metrics of all of them, whichever is asked', async () => {
			const run = serve(instance.configFile, '--processes', '2');
			await listening(run, 2);
			const headers = { authorization: `Bearer ${OPERATOR_TOKEN}`, connection: 'close' };
			for (let i = 0; i < 4; i++) {
				const text = await (await fetch(`${instance.url('log.admin')}/metrics`, { headers })).text();
				const samples = text.split('\n').filter((line) => /^process_resident_memory_bytes\b/.test(line));
				expect(samples.map((line) => /process="(\d+)"/.exec(line)?.[1]).sort()).toEqual(['1', '2']);
				expect(text.match(/^# TYPE process_resident_memory_bytes /gm)).toHaveLength(1);
			}
		});

		it('goes on with those that run when the configuration is at fault by now, and ends with the last of them', async () => {
			const { config, configFile, url } = instance;
			const file = `${configFile}.changing`;
			await writeFile(file, JSON.stringify(config));
			const run = serve(file, '--processes', '2');
			await listening(run, 2);
			const [first = 0, second = 0] = childrenOf(run.pid);
			await writeFile(file, JSON.stringify({ ...config, tsa: { ...(config.tsa as object), chainPen: 'x' } }));
			process.kill(first, 'SIGKILL');
			await run.said(/"code":78,.*"msg":"a process ended; it is started again"/);
			expect(run.stderr).toContain("unknown key 'chainPen'; did you mean 'chainPem'?");
			expect((await fetch(`${url('tsa.admin')}/healthz`)).status).toBe(200);
			process.kill(second, 'SIGKILL');
			expect(await run.ended).toEqual({ code: 78, signal: null });
		});

		it('ends with its supervisor, as if all had been killed', async () => {
			const run = serve(instance.configFile, '--processes', '2');
			await listening(run, 2);
			const workers = childrenOf(run.pid);
			expect(workers).toHaveLength(2);
			run.kill('SIGKILL');
			await run.ended;
			await expect.poll(() => workers.filter(isAlive), WAIT).toEqual([]);
		});

		it('is told of a port that another has once, like a process that runs alone', async () => {
			const other = serve(instance.configFile, 'tsa');
			await expect.poll(() => countOf(other, '"listening"'), WAIT).toBe(2);
			const run = serve(instance.configFile, 'tsa', '--processes', '2');
			expect(await run.ended).toEqual({ code: 1, signal: null });
			expect(run.stderr).toContain('EADDRINUSE');
			expect(run.stderr).not.toMatch(/"stack"|started again/);
		});
	});
});

describe('what is typed wrong', () => {
	const WRONG: readonly [string, readonly string[], number, RegExp][] = [
		['a service that is none', ['tsaa'], 78, /there is no service 'tsaa'; did you mean 'tsa'\?/],
		['an option that is none', ['--proceses', '2'], 2, /^error: unknown option '--proceses'/],
		['no number of processes', ['--processes', 'many'], 2, /^error: .*expected a number from 1 to 256, or auto/],
	];
	it.each(WRONG)('%s is answered in one sentence, without a stack', async (_what, args, code, words) => {
		const { configFile } = await makeInstanceFolder(join(folder, 'typed'), data.url);
		const run = serve(configFile, ...args);
		expect(await run.ended).toEqual({ code, signal: null });
		expect(run.stderr).toMatch(words);
		expect(run.stderr).not.toMatch(/"stack"|^ +at /m);
	});
});
