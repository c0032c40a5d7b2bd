/** A cluster that the first version made for `nobody`, and one whose account changes. Only root can run these tests. */
import { execFileSync, spawn } from 'node:child_process';
import { chown, link, lstat, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, IS_ROOT, isRunning, makeFolder } from '../../test/supervised.ts';
import { findBinaries } from './binaries.ts';
import { DEFAULT_SERVER_HOME, makeServerHome } from './cluster-place.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import { FIRST_VERSION_USER, runAs } from './server-user.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let dataDir: string;
let cluster: string;
beforeEach(async () => {
	dataDir = await makeFolder(cleanUps);
	cluster = join(dataDir, 'cluster');
});

async function start(messages: string[] = []): Promise<EmbeddedPostgres> {
	const server = await startEmbedded({ dataDir, unsafeNoSync: true, log: (message) => messages.push(message) });
	cleanUps.push(() => server.stop());
	return server;
}

/** A data folder as the first version left it: the record without account, the cluster of user 65534. */
async function makeFirstVersion(): Promise<void> {
	const server = await start();
	await ask(server.url('postgres'), 'create table kept as select 1 as one');
	await server.stop();
	execFileSync('chown', ['-R', '65534:65534', cluster]);
	const {
		account: _account,
		formerOwner: _formerOwner,
		...record
	} = JSON.parse(await readFile(join(dataDir, 'embedded.json'), 'utf8'));
	await writeFile(join(dataDir, 'embedded.json'), JSON.stringify(record));
	await writeFile(join(cluster, 'pg_hba.conf'), 'local all chancery peer map=supervisor\n');
	await writeFile(join(cluster, 'pg_ident.conf'), 'supervisor "root" chancery\n');
}

const ownersIn = (folder: string) =>
	new Set(execFileSync('find', [folder, '-printf', '%u\n'], { encoding: 'utf8' }).trim().split('\n'));

const kept = (server: EmbeddedPostgres) => ask(server.url('postgres'), 'select one from kept');

const plant = (line: string) => runAs(FIRST_VERSION_USER, '/bin/sh', ['-c', line, 'sh', cluster], 20_000);

describe.runIf(IS_ROOT)('a cluster of nobody', () => {
	it('is handed over at the next start, complete, with nothing left behind', async () => {
		await makeFirstVersion();
		const messages: string[] = [];
		const server = await start(messages);
		expect(messages.join()).toMatch(/from user 65534 to user \d+/);
		expect(await kept(server)).toEqual([{ one: 1 }]);
		expect([...ownersIn(cluster)]).toEqual([expect.stringMatching(/^chancery-db\d+$/)]);
		expect((await readdir(dataDir)).filter((name) => name.startsWith('cluster'))).toEqual(['cluster']);
		await server.stop();
		const again: string[] = [];
		await kept(await start(again));
		expect(again).toEqual([]);
	});

	it('is handed over also when a server of the user nobody still runs on it, which ends', async () => {
		await makeFirstVersion();
		await makeServerHome(DEFAULT_SERVER_HOME);
		const { binDir } = await findBinaries(FIRST_VERSION_USER, DEFAULT_SERVER_HOME);
		const sockets = await makeFolder(cleanUps);
		await chown(sockets, 65534, 65534);
		const options = `-c listen_addresses= -c unix_socket_directories=${sockets}`;
		const said = await plant(
			`${binDir}/pg_ctl -D "$1" -o "${options}" -l "$1/log" -w start >/dev/null; head -1 "$1/postmaster.pid"`,
		);
		const pid = Number(said.said);
		expect(await isRunning(pid)).toBe(true);
		expect(await kept(await start())).toEqual([{ one: 1 }]);
		expect(await isRunning(pid)).toBe(false);
	});

	it.each([
		['a symbolic link', 'ln -s /etc/shadow "$1/base/link"', 'base/link'],
		[
			'a link in place of a folder',
			'mv "$1/pg_notify" "$1/../away"; rmdir "$1/pg_notify"; ln -s /etc "$1/pg_notify"',
			'pg_notify',
		],
		['two names of one file', 'ln "$1/PG_VERSION" "$1/base/again"', 'base/again'],
		['a pipe', 'mkfifo "$1/base/pipe"', 'base/pipe'],
	])('with %s in it is refused, named, and left as it was', async (_, line, name) => {
		await makeFirstVersion();
		await plant(line);
		await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
			code: 'hand-over-failed',
			message: expect.stringContaining(`${cluster}/${name}`),
		});
		expect((await lstat(cluster)).uid).toBe(65534);
		expect((await readdir(dataDir)).filter((entry) => entry.startsWith('cluster'))).toEqual(['cluster']);
	});

	it('with a hard link to a file that the user nobody may not read gives none of it away', async () => {
		await makeFirstVersion();
		const secret = join(dataDir, 'secret');
		await writeFile(secret, 'only root may read this', { mode: 0o600 });
		// The account itself can make such a name where the kernel does not protect hard links.
		await link(secret, join(cluster, 'base', 'secret'));
		await expect(startEmbedded({ dataDir })).rejects.toMatchObject({ code: 'hand-over-failed' });
		expect(await lstat(secret)).toMatchObject({ uid: 0, gid: 0 });
		expect(await readFile(secret, 'utf8')).toBe('only root may read this');
	});

	it.each([
		['after the copy was whole', async () => undefined],
		['after the old cluster had been put aside', async () => rename(cluster, `${cluster}.new-0123456789ab`)],
	])('is handed over by the next start when one was killed %s', async (_, go) => {
		await makeFirstVersion();
		const whole = `${cluster}.whole`;
		const first = await start();
		await first.stop();
		// Restores the state in the middle: the copy beside an old cluster of nobody.
		await rename(cluster, whole);
		await mkdir(cluster, { mode: 0o700 });
		await chown(cluster, 65534, 65534);
		await go();
		expect(await kept(await start())).toEqual([{ one: 1 }]);
		expect((await readdir(dataDir)).filter((name) => name.startsWith('cluster'))).toEqual(['cluster']);
	});

	it('is handed over by the next start when one was killed in the middle of the copy', async () => {
		await makeFirstVersion();
		const script = join(import.meta.dirname, '../../test/hold-server.ts');
		const child = spawn(process.execPath, [script, JSON.stringify({ dataDir, unsafeNoSync: true })], {
			stdio: 'ignore',
		});
		const ended = new Promise((resolve) => child.once('exit', resolve));
		const drafts = async () => (await readdir(dataDir)).filter((name) => name.startsWith('cluster.'));
		await expect.poll(drafts, { interval: 2, timeout: 30_000 }).not.toEqual([]);
		child.kill('SIGKILL');
		await ended;
		expect(await kept(await start())).toEqual([{ one: 1 }]);
		expect(await drafts()).toEqual([]);
	});
});
