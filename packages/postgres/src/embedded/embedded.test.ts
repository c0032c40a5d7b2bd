import { execFileSync, spawn } from 'node:child_process';
import { appendFile, chown, copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, holdServer, IS_ROOT, isRunning, makeFolder } from '../../test/supervised.ts';
import { openDatabase } from '../pool.ts';
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import type { EmbeddedPostgresError } from './embedded-error.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
	const server = await startEmbedded({ unsafeNoSync: true, ...options });
	cleanUps.push(() => server.stop());
	return server;
}

const failure = (promise: Promise<unknown>): Promise<EmbeddedPostgresError> =>
	promise.then(
		() => {
			throw new Error('no error came');
		},
		(error: EmbeddedPostgresError) => error,
	);

describe('a started server', () => {
	it('is durable, UTF-8, locale C, with checksums, reachable by its socket alone', async () => {
		const dataDir = await makeFolder(cleanUps);
		const server = await startEmbedded({ dataDir });
		cleanUps.push(() => server.stop());
		const names = `fsync full_page_writes synchronous_commit data_checksums listen_addresses jit server_encoding
			unix_socket_permissions shared_buffers max_connections`.split(/\s+/);
		const rows = await ask<{ name: string; setting: string }>(
			server.url('postgres'),
			`select name, current_setting(name) as setting from unnest($1::text[]) as name`,
			[names],
		);
		expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
			fsync: 'on',
			full_page_writes: 'on',
			synchronous_commit: 'on',
			data_checksums: 'on',
			listen_addresses: '',
			jit: 'off',
			server_encoding: 'UTF8',
			unix_socket_permissions: '0700',
			shared_buffers: '128MB',
			max_connections: '100',
		});
		const locale = 'select datcollate, datctype from pg_database where datname = current_database()';
		expect(await ask(server.url('postgres'), locale)).toEqual([{ datcollate: 'C', datctype: 'C' }]);
		const [{ version } = { version: '' }] = await ask<{ version: string }>(server.url('postgres'), 'select version()');
		expect(version).toContain(`PostgreSQL ${server.version}`);
	});

	it('keeps its socket and its data in folders of its user alone', async () => {
		const server = await start({ dataDir: await makeFolder(cleanUps) });
		for (const folder of [server.runtimeDir, server.cluster]) {
			const { mode, uid } = await stat(folder);
			expect(mode & 0o777).toBe(0o700);
			if (IS_ROOT) expect([0, 65534]).not.toContain(uid);
			else expect(uid).toBe(process.geteuid?.());
		}
		expect(Buffer.byteLength(join(server.runtimeDir, '.s.PGSQL.5432'))).toBeLessThan(100);
	});

	it('works below a long path with spaces and quotes', async () => {
		const folder = await makeFolder(cleanUps);
		const dataDir = join(folder, `it's "so" $long `.repeat(10), 'a b');
		expect(dataDir.length).toBeGreaterThan(150);
		const first = await start({ dataDir });
		await ask(first.url('postgres'), 'create table kept as select 1 as one');
		await first.stop();
		const second = await start({ dataDir });
		expect(await ask(second.url('postgres'), 'select one from kept')).toEqual([{ one: 1 }]);
	});

	it('makes databases once, by names of ours', async () => {
		const server = await start({ dataDir: await makeFolder(cleanUps) });
		await Promise.all([server.createDatabase('chancery'), server.createDatabase('chancery')]);
		await server.createDatabase('chancery');
		expect(await ask(server.url('chancery'), 'select current_database() as name')).toEqual([{ name: 'chancery' }]);
		for (const name of ['', 'Log', 'a"b', 'a b', '1a', 'x'.repeat(64)])
			await expect(server.createDatabase(name)).rejects.toThrow(TypeError);
	});

	it('does not see our environment, and is not steered by it', async () => {
		process.env.CHANCERY_TEST_SECRET = 'in-the-environment';
		process.env.PGOPTIONS = '-c work_mem=1234kB';
		process.env.PGPORT = '1';
		cleanUps.push(async () => {
			for (const name of ['CHANCERY_TEST_SECRET', 'PGOPTIONS', 'PGPORT']) delete process.env[name];
		});
		const server = await start({ dataDir: await makeFolder(cleanUps) });
		if (process.platform !== 'linux') return;
		const environment = await readFile(`/proc/${server.pid}/environ`, 'utf8');
		expect(environment).toContain('LC_ALL=C');
		expect(environment).not.toMatch(/in-the-environment|PGOPTIONS|PGPORT/);
	});

	it('is in a session of its own, where the Ctrl-C of our terminal does not reach', async () => {
		const server = await start({ dataDir: await makeFolder(cleanUps) });
		const pgid = execFileSync('ps', ['-o', 'pgid=', '-p', String(server.pid)], { encoding: 'utf8' });
		expect(Number(pgid)).toBe(server.pid);
	});

	it('cannot be weakened by its own configuration file', async () => {
		const dataDir = await makeFolder(cleanUps);
		const first = await start({ dataDir });
		await first.stop();
		const weaker = `fsync = off\nlisten_addresses = '*'\nunix_socket_permissions = 0777\nwork_mem = 1234kB\n`;
		await appendFile(join(first.cluster, 'postgresql.conf'), weaker);
		const server = await startEmbedded({ dataDir });
		cleanUps.push(() => server.stop());
		const [row] = await ask(
			server.url('postgres'),
			`select current_setting('fsync') as f, current_setting('listen_addresses') as l,
				current_setting('unix_socket_permissions') as u, current_setting('work_mem') as w`,
		);
		expect(row).toEqual({ f: 'on', l: '', u: '0700', w: '1234kB' });
	});
});

describe('stop', () => {
	it('ends the server, rolls back what is open, and leaves no socket folder', async () => {
		const server = await start({ dataDir: await makeFolder(cleanUps) });
		const database = openDatabase({ url: server.url('postgres'), applicationName: 'open' });
		await database.query('create table item (id int)');
		const open = database.transaction(async (sql) => {
			await sql.query('insert into item values (1)');
			await server.stop();
			await sql.query('insert into item values (2)');
		});
		await expect(open).rejects.toThrow();
		await database.close();
		expect(await isRunning(server.pid)).toBe(false);
		expect(await server.ended).toBe('exit code 0');
		await expect(stat(server.runtimeDir)).rejects.toThrow('ENOENT');
		await server.stop();
	});

	it('does not wait for ever for a server that does not listen', async () => {
		const dataDir = await makeFolder(cleanUps);
		const server = await start({ dataDir });
		await ask(server.url('postgres'), 'create table kept as select 1 as one');
		process.kill(server.pid, 'SIGSTOP');
		await server.stop();
		expect(await server.ended).toBe('signal SIGKILL');
		const again = await start({ dataDir });
		expect(await ask(again.url('postgres'), 'select one from kept')).toEqual([{ one: 1 }]);
	});

	it('also works after the server went by itself', async () => {
		const server = await start({ dataDir: await makeFolder(cleanUps) });
		process.kill(server.pid, 'SIGKILL');
		expect(await server.ended).toBe('signal SIGKILL');
		await server.stop();
		expect(await readdir(join(server.cluster, '..'))).not.toContain('supervisor.pid');
	});
});

describe('a data folder', () => {
	it('has one supervisor at a time, in this process or another', async () => {
		const dataDir = await makeFolder(cleanUps);
		const server = await start({ dataDir });
		const again = await failure(startEmbedded({ dataDir }));
		expect([again.code, again.message]).toEqual(['in-use', expect.stringContaining('this process')]);
		const other = await holdServer({ dataDir });
		expect(other.said).toMatchObject({
			error: 'in-use',
			message: expect.stringContaining(`process ${process.pid}`),
		});
		expect(await isRunning(server.pid)).toBe(true);
		await server.stop();
		await start({ dataDir });
	});

	it('of another major version is refused, naming both, and is left as it is', async () => {
		const dataDir = await makeFolder(cleanUps);
		const first = await start({ dataDir });
		await first.stop();
		const file = join(first.cluster, 'PG_VERSION');
		const mine = await readFile(file, 'utf8');
		await writeFile(file, '12\n');
		const error = await failure(startEmbedded({ dataDir }));
		expect(error.code).toBe('version-mismatch');
		expect(error.message).toContain('PostgreSQL 12,');
		expect(error.message).toContain(`PostgreSQL ${first.version}`);
		await writeFile(file, mine);
		await start({ dataDir });
	});

	it('whose database has gone is refused instead of filled with an empty one', async () => {
		const dataDir = await makeFolder(cleanUps);
		const first = await start({ dataDir });
		await first.stop();
		execFileSync('mv', [first.cluster, `${first.cluster}.away`]);
		expect((await failure(startEmbedded({ dataDir }))).code).toBe('cluster-missing');
		execFileSync('mv', [`${first.cluster}.away`, first.cluster]);
		await start({ dataDir });
	});

	it('with the remains of an initdb that was killed starts anew', async () => {
		const dataDir = await makeFolder(cleanUps);
		const draft = join(dataDir, 'cluster.new-0123456789ab');
		await mkdir(join(draft, 'base'), { recursive: true });
		// Root's `initdb` runs as another user, whichever that was.
		if (IS_ROOT) for (const path of [draft, join(draft, 'base')]) await chown(path, 4321, 4321);
		await start({ dataDir });
		expect(await readdir(dataDir)).not.toContain('cluster.new-0123456789ab');
	});

	it('can be moved', async () => {
		const folder = await makeFolder(cleanUps);
		const first = await start({ dataDir: join(folder, 'here') });
		await ask(first.url('postgres'), 'create table kept as select 1 as one');
		await first.stop();
		execFileSync('mv', [join(folder, 'here'), join(folder, 'there')]);
		const second = await start({ dataDir: join(folder, 'there') });
		expect(await ask(second.url('postgres'), 'select one from kept')).toEqual([{ one: 1 }]);
	});

	it('copied from a killed run starts beside the original and leaves it alone', async () => {
		const folder = await makeFolder(cleanUps);
		const original = await start({ dataDir: join(folder, 'original') });
		execFileSync('cp', ['-a', join(folder, 'original'), join(folder, 'copy')]);
		const copy = await start({ dataDir: join(folder, 'copy') });
		expect(copy.runtimeDir).not.toBe(original.runtimeDir);
		expect(await ask(original.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
	});

	it('with a setting that PostgreSQL refuses fails with its last words, and starts once that is right', async () => {
		const dataDir = await makeFolder(cleanUps);
		const first = await start({ dataDir });
		await first.stop();
		const file = join(first.cluster, 'postgresql.conf');
		await copyFile(file, join(dataDir, 'good.conf'));
		await appendFile(file, 'max_connections = many\n');
		const error = await failure(startEmbedded({ dataDir }));
		expect(error.code).toBe('start-failed');
		expect(error.message).toContain('invalid value for parameter "max_connections": "many"');
		await copyFile(join(dataDir, 'good.conf'), file);
		await start({ dataDir });
	});

	it('with another program under the recorded process number starts and leaves that program alone', async () => {
		const dataDir = await makeFolder(cleanUps);
		const first = await start({ dataDir });
		await first.stop();
		const { uid, gid } = await stat(first.cluster);
		const bystander = spawn('sleep', ['60'], { uid, gid, cwd: '/', stdio: 'ignore' });
		cleanUps.push(async () => bystander.kill());
		await writeFile(join(first.cluster, 'postmaster.pid'), `${bystander.pid}\n${first.cluster}\n1700000000\n5432\n`);
		await start({ dataDir });
		expect(await isRunning(bystander.pid ?? 0)).toBe(true);
	});
});
