import { execFileSync } from 'node:child_process';
import { appendFile, chmod, mkdir, mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, holdServer, IS_ROOT, isRunning, makeFolder } from '../../test/supervised.ts';
import { CommitUnknownError, isTimeout, isUnavailable } from '../pg-errors.ts';
import { openDatabase } from '../pool.ts';
import { findBinaries } from './binaries.ts';
import { DEFAULT_SERVER_HOME } from './cluster-place.ts';
import { ACCOUNT_VARIABLE } from './database-account.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import { runAs } from './server-user.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Process numbers in a namespace of its own. */
const OWN_NUMBERS = ['--pid', '--fork', '--mount-proc', '--kill-child'];

/** Only a process that may choose the next process number can have one used again. */
const setNext = ['sh', '-c', 'echo 99 >/proc/sys/kernel/ns_last_pid'];
const mayNumber = IS_ROOT && (await runAs(undefined, 'unshare', [...OWN_NUMBERS, ...setNext], 10_000)).code === 0;

async function start(dataDir: string, said: string[] = []): Promise<EmbeddedPostgres> {
	const server = await startEmbedded({ dataDir, isKept: true, log: (message) => void said.push(message) });
	cleanUps.push(() => server.stop());
	return server;
}

describe('a kept server', () => {
	it('comes back under the same address with what it acknowledged', async () => {
		const said: string[] = [];
		const server = await start(await makeFolder(cleanUps), said);
		const url = server.url('postgres');
		await ask(url, 'create table kept as select 1 as one');
		const first = server.pid;
		process.kill(first, 'SIGKILL');
		await expect.poll(() => server.pid, { timeout: 30_000 }).not.toBe(first);
		expect(await ask(url, 'select one from kept')).toEqual([{ one: 1 }]);
		expect(said.join('\n')).toMatch(/ended by itself \(signal SIGKILL\)[\s\S]*runs again/);
		await server.stop();
		expect(await isRunning(server.pid)).toBe(false);
	});

	it('stays away when it is stopped while it is being started again', async () => {
		const server = await start(await makeFolder(cleanUps));
		process.kill(server.pid, 'SIGKILL');
		await sleep(550);
		await server.stop();
		await server.ended;
		expect(await isRunning(server.pid)).toBe(false);
		await expect(ask(server.url('postgres'), 'select 1')).rejects.toThrow();
	});
});

describe('a supervisor that ends while its server is down', () => {
	/** Programs whose `postgres` hangs while a file `hang` exists, and writes its process number into `hanging`. */
	async function makeHangingPrograms(folder: string): Promise<string> {
		const user = IS_ROOT ? { uid: 65_534, gid: 65_534 } : undefined;
		const { binDir } = await findBinaries(user, IS_ROOT ? DEFAULT_SERVER_HOME : folder);
		const programs = join(folder, 'bin');
		await mkdir(programs);
		const hang = `if [ -e '${folder}/hang' ]; then echo $$ >'${folder}/hanging'; exec sleep 600; fi`;
		await writeFile(join(programs, 'postgres'), `#!/bin/sh\n${hang}\nexec '${binDir}/postgres' "$@"\n`);
		await writeFile(join(programs, 'initdb'), `#!/bin/sh\nexec '${binDir}/initdb' "$@"\n`);
		for (const path of [programs, join(programs, 'postgres'), join(programs, 'initdb')]) await chmod(path, 0o755);
		return programs;
	}

	it('ends the server that it is just starting', async () => {
		const folder = await makeFolder(cleanUps);
		const binDir = await makeHangingPrograms(folder);
		const held = await holdServer({ dataDir: join(folder, 'data'), isKept: true, binDir });
		await writeFile(join(folder, 'hanging'), '');
		await chmod(join(folder, 'hanging'), 0o666);
		await writeFile(join(folder, 'hang'), '');
		process.kill(held.said.pid, 'SIGKILL');
		const number = async () => Number(await readFile(join(folder, 'hanging'), 'utf8'));
		await expect.poll(number, { timeout: 30_000 }).toBeGreaterThan(0);
		const starting = await number();
		cleanUps.push(async () => (await isRunning(starting)) && process.kill(starting, 'SIGKILL'));
		expect(await isRunning(starting)).toBe(true);
		held.tell('crash');
		await held.ended;
		await expect.poll(() => isRunning(starting)).toBe(false);
	});

	it.runIf(mayNumber)('leaves alone who has its number now', async () => {
		const dataDir = join(await makeFolder(cleanUps), 'data');
		const program = `
			import { spawn } from 'node:child_process';
			import { writeFileSync } from 'node:fs';
			import { startEmbedded } from '${import.meta.dirname}/embedded.ts';
			let isDown = false;
			const log = (message) => { isDown ||= /ended by itself/.test(message); };
			const { pid } = await startEmbedded({ dataDir: '${dataDir}', isKept: true, unsafeNoSync: true, log });
			process.kill(pid, 'SIGKILL');
			// Keeps the process alive, and tries again while another process has the number.
			await new Promise((resolve) => {
				const tries = setInterval(() => {
					if (!isDown) return;
					writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
					const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
					if (child.pid !== pid) child.kill('SIGKILL');
					else resolve(clearInterval(tries));
				}, 10);
			});
			console.log(pid);
			process.exit();`;
		// The first process of its namespace, in which only we start processes; when it ends, all others end.
		const watch = 'pid=$("$@") || exit 1; sleep 0.3; cut -d " " -f 3 "/proc/$pid/stat"';
		const node = [process.execPath, '--input-type=module', '-e', program];
		const said = execFileSync('unshare', [...OWN_NUMBERS, 'sh', '-c', watch, 'sh', ...node], {
			env: { ...process.env, [ACCOUNT_VARIABLE]: 'daemon' },
			encoding: 'utf8',
		});
		// It sleeps, so it is not a zombie.
		expect(said.trim()).toBe('S');
	});
});

describe.skipIf(!IS_ROOT)('a kept server on a disk that is full', () => {
	it('says that it has no room, comes back by itself, and has all that it acknowledged', async () => {
		const disk = await mkdtemp('/tmp/chancery-full-');
		cleanUps.push(() => rm(disk, { recursive: true }));
		execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128m,mode=711', 'tmpfs', disk]);
		cleanUps.push(async () => execFileSync('umount', ['-l', disk]));
		await chmod(disk, 0o711);
		const said: string[] = [];
		const server = await start(join(disk, 'data'), said);
		const database = openDatabase({ url: server.url('postgres'), applicationName: 'full', connectTimeoutMs: 2000 });
		cleanUps.push(() => database.close());
		await database.query('create table kept (id int primary key, filler text)');

		const acknowledged = new Set<number>();
		const failures: unknown[] = [];
		let next = 0;
		const write = async () => {
			const id = next++;
			try {
				await database.transaction((sql) =>
					sql.query(`insert into kept select $1, string_agg(md5(random()::text), '') from generate_series(1, 3000)`, [
						id,
					]),
				);
				acknowledged.add(id);
			} catch (error) {
				failures.push(error);
			}
		};
		await write();
		const leaveFree = async (bytes: number) => {
			const { bavail, bsize } = await statfs(disk);
			await appendFile(join(disk, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
		};
		await leaveFree(512 * 1024);
		for (let i = 0; i < 400 && failures.length < 20; i++) await write();
		expect(failures.length).toBeGreaterThanOrEqual(20);
		// Without space for its log the server panics, cannot recover, and ends; clients get that error in the meantime, too. A
		// recovery that finds space, such as a failed segment has left, succeeds, so there is none.
		const inLog = async () => {
			await leaveFree(0).catch((error: NodeJS.ErrnoException) => expect(error.code).toBe('ENOSPC'));
			await database.query('select pg_switch_wal()').catch((error: unknown) => failures.push(error));
			await write();
			return said.join('\n');
		};
		await expect.poll(inLog, { timeout: 60_000, interval: 50 }).toMatch(/ended by itself/);
		const others = failures.filter(
			(error) => !(isUnavailable(error) || isTimeout(error) || error instanceof CommitUnknownError),
		);
		expect(others).toEqual([]);

		await rm(join(disk, 'ballast'));
		const before = acknowledged.size;
		await expect
			.poll(async () => write().then(() => acknowledged.size), { timeout: 60_000, interval: 200 })
			.toBeGreaterThan(before);
		const rows = await database.query<{ id: number }>('select id from kept');
		const stored = new Set(rows.map(({ id }) => id));
		expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
	});
});
