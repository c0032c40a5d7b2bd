/** Commands about an instance of a configuration file: `log audit`, `log adopt-head`, `log accept-lead`, `tuf adopt-repository`, `status`. */
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { shiftHeadTime } from '@chancery/tlog/test/interference';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { examineVariant } from '../../test/serve/examined.ts';
import { type InstanceFolder, makeInstanceFolder } from '../../test/serve/instance-folder.ts';
import { publishTrust, signAndVerify } from '../../test/serve/sign-with.ts';
import { Run } from '../../test/up/run.ts';

const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');
const ENV = { PATH: process.env.PATH };
const WAIT = { timeout: 60_000, interval: 50 };
/** The listeners of six services, one of which has two for clients. */
const LISTENERS = 13;
const ADDRESSES = ['identity', 'ca', 'log', 'log2', 'ctlog', 'tsa', 'tuf'];

let folder: string;
let data: TestDatabase;
let instance: InstanceFolder;
let run: Run | undefined;

async function command(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
	const all = [...args, '--config', instance.configFile];
	return promisify(execFile)(CHANCERY, all, { cwd: '/', env: ENV }).then(
		({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
		({ code, stdout, stderr }) => ({ code, stdout, stderr }),
	);
}

async function serve(): Promise<void> {
	const stdio = ['ignore', 'pipe', 'pipe'] as const;
	const started = new Run(
		spawn(CHANCERY, ['serve', '--config', instance.configFile], { cwd: '/', env: ENV, stdio: [...stdio] }),
	);
	run = started;
	await vi.waitUntil(() => started.stderr.split('"listening"').length - 1 === LISTENERS, WAIT);
}

async function stop(): Promise<void> {
	await run?.stop();
	run = undefined;
}

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'chancery-configured-'));
	data = await createTestDatabase();
	instance = await makeInstanceFolder(folder, data.url);
	for (const args of [['migrate'], ['log', 'create']]) expect(await command(...args)).toMatchObject({ code: 0 });
	await serve();
	await signAndVerify(instance, await publishTrust(instance));
}, 240_000);
afterAll(async () => {
	run?.kill('SIGKILL');
	await run?.ended;
	await data.drop();
	await rm(folder, { recursive: true });
});

describe('while the services run', { timeout: 300_000 }, () => {
	it('status says of each where it stands, for people and for programs', async () => {
		// The CA asks an issuer when the first token comes, and readiness is looked at each second.
		await vi.waitUntil(async () => (await command('status')).code === 0, { timeout: 240_000, interval: 500 });
		const { stdout, stderr } = await command('status');
		const [head, ...rows] = stdout
			.trim()
			.split('\n')
			.map((line) => line.split(/ {2,}/));
		expect(head).toEqual(['SERVICE', 'ADDRESS', 'READY', 'WHERE IT STANDS']);
		expect(rows.map(([name, , ready]) => [name, ready])).toEqual(ADDRESSES.map((name) => [name, 'yes']));
		expect(rows.map(([, url]) => url)).toContain(instance.url('log.v2'));
		const said = Object.fromEntries(rows.map(([name, , , words]) => [name, words]));
		expect(said).toMatchObject({
			ca: expect.stringMatching(/^chain 109\d days; 1 of 1 issuers available$/),
			log: expect.stringMatching(/^\d+ entr(y|ies), published \d+ s ago; 127\.0\.0\.1 - 7, development$/),
			tuf: expect.stringMatching(/^root 1 \(364 days\), targets 1 .*timestamp \d+ \(6 days\)$/),
		});
		expect(stderr).toBe('');
		const json = JSON.parse((await command('status', '--json')).stdout);
		expect(json).toMatchObject({ ready: true });
		expect(json.services.map(({ name }: { name: string }) => name)).toEqual(ADDRESSES);
		expect(json.services[1].status.issuers).toEqual([{ issuer: expect.any(String), available: true }]);
	});

	it('the audit reads the database, and finds nothing wrong', async () => {
		const { code, stdout, stderr } = await command('log', 'audit');
		// What takes longer says how far it is.
		expect([code, stderr.replaceAll(/^\w+: \d+ of \d+ entries \(\d+ %\)\n/gm, '')]).toEqual([0, '']);
		expect(stdout.split('\n').filter(Boolean)).toEqual(
			['v1', 'v2', 'ctlog'].map((name) => expect.stringMatching(`^${name}: correct: .*, [1-9]\\d* entries, root `)),
		);
	});

	it('nothing is adopted', async () => {
		const reason = ['--reason', 'test'];
		const head = await command('log', 'adopt-head', '--log', 'v1', '--size', '1', ...reason);
		expect([head.code, head.stderr]).toEqual([1, expect.stringMatching(/^error: the mark \S+ is in use by .*\n$/)]);
		const repository = await command('tuf', 'adopt-repository', '--timestamp', '1', ...reason);
		expect([repository.code, repository.stderr]).toEqual([1, expect.stringMatching(/^error: .* in use by .*\n$/)]);
	});
});

describe('while they do not', { timeout: 300_000 }, () => {
	beforeAll(stop);

	it('status says who does not answer', async () => {
		const { code, stdout } = await command('status');
		expect(code).toBe(1);
		expect(stdout.match(/ no answer /g)).toHaveLength(ADDRESSES.length);
		const json = JSON.parse((await command('status', '--json')).stdout);
		expect(json.services[0]).toMatchObject({
			ready: false,
			status: null,
			problem: expect.stringContaining('ECONNREFUSED'),
		});
	});

	it('nobody reads on, or the disk is full: one line at most', async () => {
		const shell = (line: string) =>
			promisify(execFile)('sh', ['-c', line, CHANCERY, instance.configFile], {
				env: ENV,
			}).catch(({ code, stderr }) => ({ code, stderr }));
		for (const name of ['status', 'doctor --offline'])
			expect(await shell(`"$0" ${name} --config "$1" | true`)).toMatchObject({
				stderr: expect.not.stringMatching(/error|at /),
			});
		expect(await shell('"$0" doctor tsa --offline --config "$1" > /dev/full')).toMatchObject({
			code: 1,
			stderr: expect.stringMatching(/^(error: the output could not be written \(ENOSPC\)\n|no problem\n)+$/),
		});
	});

	it('the audit finds a mark that is missing, and the head that is adopted is the one the doctor names', async () => {
		await rm(join(folder, 'marks', 'v2'));
		const audit = await command('log', 'audit', '--log', 'v2', '--json');
		expect([audit.code, JSON.parse(audit.stdout).logs[0].findings]).toEqual([
			1,
			[{ where: 'mark', problem: `is missing from ${join(folder, 'marks', 'v2')}` }],
		]);
		expect(await readdir(join(folder, 'marks'))).not.toContain('v2');

		const examined = await examineVariant(instance, {}, { services: ['log'] });
		const [, size = ''] = /adopt-head .* --size (\d+)/.exec(examined.said('log.v2-mark')) ?? [];
		const reason = ['--reason', 'the disk with the marks was lost'];
		const wrong = await command('log', 'adopt-head', '--log', 'v2', '--size', `${Number(size) + 1}`, ...reason);
		expect([wrong.code, wrong.stderr]).toEqual([
			1,
			expect.stringMatching(/published head is at size \d+, expected was/),
		]);
		const adopted = await command('log', 'adopt-head', '--log', 'v2', '--size', size, '--json', ...reason);
		expect([adopted.code, JSON.parse(adopted.stdout)]).toEqual([
			0,
			{ log: 'v2', previousSize: null, size: Number(size) },
		]);
		expect((await command('log', 'audit')).code).toBe(0);
	});

	it('a repository is adopted as it is', async () => {
		await rm(join(folder, 'marks', 'tuf'));
		const examined = await examineVariant(instance, {}, { services: ['tuf'] });
		expect(examined.problems).toEqual(['tuf.mark']);
		const [, timestamp = ''] = /adopt-repository .* --timestamp (\d+)/.exec(examined.said('tuf.mark')) ?? [];
		const order = ['tuf', 'adopt-repository', '--timestamp', timestamp, '--reason', 'the same disk'];
		expect((await command(...order)).stderr).toMatch(/what clients have seen is not known/);
		expect(await command(...order, '--seen', 'nothing-newer')).toMatchObject({ code: 0 });
		expect((await examineVariant(instance, {}, { services: ['tuf'] })).problems).toEqual([]);
	});

	it('a lead is accepted where there is one', async () => {
		await shiftHeadTime(data.database, 'log', 3_600_000);
		const { problems, said } = await examineVariant(instance, {}, { services: ['log'] });
		expect(problems).toEqual(['log.v1-time', 'log.v2-time']);
		for (const log of ['v1', 'v2']) {
			const [, time = ''] = new RegExp(`accept-lead .* --log ${log} --time (\\S+)`).exec(said(`log.${log}-time`)) ?? [];
			const order = ['log', 'accept-lead', '--log', log, '--reason', 'a wrong clock', '--time'];
			expect((await command(...order, '2127-03-01T08:00:00.000Z')).stderr).toMatch(/expected was 2127/);
			expect(await command(...order, time)).toMatchObject({ code: 0 });
		}
		expect((await examineVariant(instance, {}, { services: ['log'] })).problems).toEqual([]);
	});

	it('the services go on with what was adopted', async () => {
		await serve();
		await signAndVerify(
			instance,
			new Uint8Array(await (await fetch(`${instance.url('tuf.public')}/1.root.json`)).arrayBuffer()),
		);
		await stop();
	});
});

describe('a file that is about something else', () => {
	it('has no such log, or no database to read', async () => {
		const file = join(folder, 'tsa.yaml');
		await writeFile(file, JSON.stringify({ tsa: instance.config.tsa }));
		const refused = (...args: string[]) =>
			promisify(execFile)(CHANCERY, [...args, '--config', file], { env: ENV }).catch(
				({ code, stderr }) => `${code} ${stderr}`,
			);
		const reason = ['--reason', 'r'];
		expect(await refused('log', 'audit')).toMatch(/^1 error: \S+ has neither a section 'log' nor 'ctlog'\n$/);
		expect(await refused('log', 'audit', '--log', 'v1')).toMatch(
			/^1 error: \S+ has no section 'log', which keeps v1\n$/,
		);
		expect(await refused('log', 'adopt-head', '--log', 'ctlog', '--size', '1', ...reason)).toMatch(
			/no section 'ctlog'/,
		);
		expect(await refused('tuf', 'adopt-repository', '--timestamp', '1', ...reason)).toMatch(/no section 'tuf'/);
	});
});
