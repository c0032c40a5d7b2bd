import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, IS_ROOT, isRunning, makeFolder } from '../test/supervised.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import { CommitUnknownError, isTimeout, isUnavailable } from './pg-errors.ts';
import { openDatabase } from './pool.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

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
		const { bavail, bsize } = await statfs(disk);
		await writeFile(join(disk, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - 512 * 1024)));
		for (let i = 0; i < 400 && failures.length < 20; i++) await write();
		expect(failures.length).toBeGreaterThanOrEqual(20);
		// Without room for its log the server panics, cannot recover, and ends; whoever asks meanwhile hears of that, too.
		const inLog = async () => {
			await database.query('select pg_switch_wal()').catch((error: unknown) => failures.push(error));
			await write();
			return said.join('\n');
		};
		await expect.poll(inLog, { timeout: 30_000, interval: 50 }).toMatch(/ended by itself/);
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
