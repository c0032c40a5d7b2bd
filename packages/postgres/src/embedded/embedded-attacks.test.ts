/**
 * What an attacker who runs as the database's account can put into its folders for root to find. Only root can run these
 * tests. A file and a folder that only root may write must not change.
 */
import { execFileSync } from 'node:child_process';
import { chmod, chown, link, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, IS_ROOT, makeFolder } from '../../test/supervised.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import { runAs, type ServerUser } from './server-user.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const SECRET = 'root:x:0:0:only root may change this\n';

let dataDir: string;
let roots: string;
let victim: string;
beforeEach(async () => {
	dataDir = await makeFolder(cleanUps);
	roots = join(await makeFolder(cleanUps), 'roots');
	victim = join(roots, 'passwd');
	await mkdir(roots, { mode: 0o711 });
	await writeFile(victim, SECRET, { mode: 0o600 });
});

async function start(): Promise<EmbeddedPostgres> {
	const server = await startEmbedded({ dataDir, unsafeNoSync: true });
	cleanUps.push(() => server.stop());
	return server;
}

/** Runs a line of shell as the account, with the cluster as `$1` and the victim as `$2`. */
async function plant(user: ServerUser, line: string, cluster: string): Promise<string> {
	const { said } = await runAs(user, '/bin/sh', ['-c', line, 'sh', cluster, victim], 20_000);
	return said;
}

async function checkVictim(): Promise<void> {
	const { uid, mode } = await lstat(victim);
	expect({ uid, mode: mode & 0o777 }).toEqual({ uid: 0, mode: 0o600 });
	expect(await readFile(victim, 'utf8')).toBe(SECRET);
	expect(await readdir(roots)).toEqual(['passwd']);
}

describe.runIf(IS_ROOT)('planted by who runs as the account of the database', () => {
	it.each([
		['pg_hba.conf', 'ln -sf "$2" "$1/pg_hba.conf"'],
		['pg_ident.conf', 'ln -sf "$2" "$1/pg_ident.conf"'],
		['both in the way as folders', 'rm -f "$1"/pg_*.conf && mkdir "$1/pg_hba.conf" "$1/pg_ident.conf"'],
		['a pid file that is a link', 'ln -sf "$2" "$1/postmaster.pid"'],
		['a pid file that is a pipe nobody writes to', 'mkfifo "$1/postmaster.pid"'],
		['a pid file that names another program', 'echo 1 > "$1/postmaster.pid"'],
	])('%s: root starts as before, and what it leads to stays as it is', async (_, line) => {
		const first = await start();
		await first.stop();
		await plant(await lstat(first.cluster), line, first.cluster);
		const second = await start();
		expect(await ask(second.url('postgres'), 'select current_user as name')).toEqual([{ name: 'chancery' }]);
		await checkVictim();
	});

	it.each([
		['a link to what only root may read', 'rm "$1/PG_VERSION"; ln -s "$2" "$1/PG_VERSION"'],
		['a pipe', 'rm "$1/PG_VERSION"; mkfifo "$1/PG_VERSION"'],
		['endless', 'rm "$1/PG_VERSION"; ln -s /dev/zero "$1/PG_VERSION"'],
	])('a version file that is %s is refused without a word of it', async (_, line) => {
		const first = await start();
		await first.stop();
		await plant(await lstat(first.cluster), line, first.cluster);
		const refusal = await startEmbedded({ dataDir }).catch((error: Error) => error);
		expect(refusal).toMatchObject({ code: 'cluster-missing' });
		expect(String(refusal)).not.toContain('only root');
		await checkVictim();
	});

	it.each(['pg_hba.conf', 'pg_ident.conf', 'postmaster.pid', 'PG_VERSION'])(
		'another name of the victim as %s, where the kernel lets them make one, changes nothing of it',
		async (name) => {
			const first = await start();
			await first.stop();
			await rm(join(first.cluster, name), { force: true });
			await link(victim, join(first.cluster, name));
			const outcome = await startEmbedded({ dataDir, unsafeNoSync: true }).then(
				(server) => server.stop().then(() => 'started'),
				(error: Error) => String(error),
			);
			expect(outcome).toMatch(name === 'PG_VERSION' ? /holds no PostgreSQL cluster/ : /^started$/);
			expect(outcome).not.toContain('only root');
			await checkVictim();
		},
	);

	it('the account can neither change nor replace the files that decide who may connect', async () => {
		const server = await start();
		const user = await lstat(server.cluster);
		const said = await plant(
			user,
			'for file in "$1"/../pg_hba.conf "$1"/../pg_ident.conf; do echo >> "$file"; mv "$file" "$file.old"; ln -sf "$2" "$file"; done; cat "$1"/../pg_hba.conf',
			server.cluster,
		);
		expect(said).toMatch(/Permission denied/);
		expect(said).toContain('local all chancery peer map=supervisor');
		// SQL cannot change it either: the command line overrides what a superuser may write.
		await ask(server.url('postgres'), `alter system set hba_file = '${server.cluster}/open.conf'`);
		await plant(user, 'echo "local all all trust" > "$1/open.conf"', server.cluster);
		await server.stop();
		const again = await start();
		expect(await ask(again.url('postgres'), 'show hba_file')).toEqual([{ hba_file: join(dataDir, 'pg_hba.conf') }]);
	});

	it('the folder of the socket cannot be replaced, and files in it do no harm', async () => {
		const server = await start();
		const user = await lstat(server.cluster);
		const { runtimeDir } = server;
		expect(await plant(user, `mv ${runtimeDir} ${runtimeDir}.old; ln -s / ${runtimeDir}`, '')).toMatch(/denied/);
		await plant(user, `cd ${runtimeDir} && rm -f .s.* && mkdir .s.PGSQL.5432 && ln -s "$2" more`, '');
		await server.stop();
		const again = await start();
		expect(again.runtimeDir).toBe(runtimeDir);
		expect(await ask(again.url('postgres'), 'select 1 as one')).toEqual([{ one: 1 }]);
		await checkVictim();
	});

	it('the cluster, which is theirs, cannot be exchanged', async () => {
		const server = await start();
		const line = 'mv "$1" "$1.old"; rmdir "$1"; mkdir "$1.new-0123456789ab"; ln -s "$2" "$1/../cluster.whole"';
		const said = await plant(await lstat(server.cluster), line, server.cluster);
		expect(said.match(/denied/g)).toHaveLength(4);
		expect((await readdir(dataDir)).filter((name) => name.startsWith('cluster'))).toEqual(['cluster']);
	});

	it('a draft of initdb is removed with the rights of its owner', async () => {
		const draft = join(dataDir, 'cluster.new-0123456789ab');
		await mkdir(draft, { mode: 0o700 });
		await symlink(roots, join(draft, 'base'));
		await chown(draft, 4321, 4321);
		await start();
		expect(await readdir(dataDir)).not.toContain('cluster.new-0123456789ab');
		await checkVictim();
	});

	it('root does not remove what the owner may not remove, and reports it', async () => {
		const inside = join(dataDir, 'cluster.new-0123456789ab', 'inside');
		await mkdir(inside, { recursive: true });
		await writeFile(join(inside, 'of-root'), '');
		await chown(join(inside, '..'), 4321, 4321);
		await expect(startEmbedded({ dataDir })).rejects.toMatchObject({
			code: 'no-usable-folder',
			message: expect.stringContaining('remove it'),
		});
		expect(await readdir(inside)).toEqual(['of-root']);
	});
});

describe.runIf(IS_ROOT)('a data folder whose place others can change', () => {
	it.each([
		['is itself open to all', async () => chmod(dataDir, 0o777)],
		['belongs to somebody else', async () => chown(dataDir, 4321, 4321)],
	])('is refused when it %s, and nothing is put into it', async (_, spoil) => {
		await spoil();
		await expect(startEmbedded({ dataDir })).rejects.toMatchObject({ code: 'no-usable-folder' });
		expect(await readdir(dataDir)).toEqual([]);
	});

	it('is refused below a folder of another user', async () => {
		const theirs = join(dataDir, 'theirs');
		await mkdir(join(theirs, 'data'), { recursive: true });
		await chown(theirs, 4321, 4321);
		await expect(startEmbedded({ dataDir: join(theirs, 'data') })).rejects.toMatchObject({
			code: 'no-usable-folder',
			message: expect.stringContaining(`${theirs} belongs to user 4321`),
		});
		// The same when it stops: root follows no such link.
		expect(execFileSync('ls', [join(theirs, 'data')], { encoding: 'utf8' })).toBe('');
	});
});
