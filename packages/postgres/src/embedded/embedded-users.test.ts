import { execFileSync } from 'node:child_process';
import { chmod, chown, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ask, holdServer, IS_ROOT, isRunning, makeFolder } from '../../test/supervised.ts';
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import type { EmbeddedPostgresError } from './embedded-error.ts';
import { runAs } from './server-user.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
	const server = await startEmbedded({ unsafeNoSync: true, ...options });
	cleanUps.push(() => server.stop());
	return server;
}

/** The error's code and words; 'started' when there was none. */
const refusal = (options: EmbeddedOptions): Promise<string> =>
	startEmbedded(options).then(
		async (server) => {
			await server.stop();
			return 'started';
		},
		(error: EmbeddedPostgresError) => `${error.code}: ${error.message}`,
	);

/** A folder that only root can enter, and a folder for what the server's user must reach. */
async function makeClosedFolder(): Promise<{ closed: string; serverHome: string }> {
	const folder = await makeFolder(cleanUps);
	const closed = join(folder, 'closed');
	await mkdir(closed, { mode: 0o700 });
	return { closed, serverHome: join(folder, 'home') };
}

describe('the server', () => {
	it('accepts only the system user that supervises it', async () => {
		const server = await start({ dataDir: await makeFolder(cleanUps) });
		const socket = join(server.runtimeDir, '.s.PGSQL.5432');
		expect(await ask(server.url('postgres'), 'select current_user as name')).toEqual([{ name: 'chancery' }]);
		if (!IS_ROOT) return;
		const pool = new URL('../pool.ts', import.meta.url).href;
		const program = `import { openDatabase } from '${pool}';
			const error = await openDatabase({ url: '${server.url('postgres')}', applicationName: 'stranger' })
				.query('select 1').then(() => ({ code: 'let in' }), (error) => error);
			console.log(error.code); process.exit();`;
		const connectAs = (uid: number) =>
			runAs({ uid, gid: uid }, process.execPath, ['--input-type=module', '-e', program], 20_000);
		expect((await connectAs(2)).said).toBe('EACCES');
		// Even when the folder and the socket are open, the kernel's information about the caller decides.
		await chmod(server.runtimeDir, 0o711);
		await chmod(socket, 0o777);
		expect((await connectAs(2)).said).toBe('28000');
		// Nobody lets in the server's own user either.
		expect((await connectAs((await stat(server.cluster)).uid)).said).toBe('28000');
		await chmod(server.runtimeDir, 0o700);
	});
});

// These tests are about root and about other users, so only root can run them.
if (IS_ROOT)
	describe('as root', () => {
		it('the server runs as an account of its own, and only its own folders change hands', async () => {
			const dataDir = join(await makeFolder(cleanUps), 'data');
			const server = await start({ dataDir });
			const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
			const { uid, gid } = await stat(server.cluster);
			expect([0, 65534]).not.toContain(uid);
			expect(status).toMatch(new RegExp(`^Uid:\t${uid}\t${uid}\t${uid}\t${uid}$`, 'm'));
			expect(status).toMatch(new RegExp(`^Gid:\t${gid}\t${gid}\t${gid}\t${gid}$`, 'm'));
			expect(status).toMatch(/^Groups:\s*$/m);
			expect(server.cluster).toBe(join(dataDir, 'cluster'));
			expect((await stat(dataDir)).uid).toBe(0);
			expect((await stat(join(dataDir, 'postgres.log'))).mode & 0o077).toBe(0);
		});

		it('a data folder that only root can enter has its database elsewhere, and both name each other', async () => {
			const { closed, serverHome } = await makeClosedFolder();
			const dataDir = join(closed, 'data');
			const messages: string[] = [];
			const first = await start({ dataDir, serverHome, log: (message) => messages.push(message) });
			expect(first.cluster.startsWith(`${serverHome}/`)).toBe(true);
			expect(messages.join()).toContain(first.cluster);
			expect((await stat(closed)).mode & 0o777).toBe(0o700);
			expect(JSON.parse(await readFile(join(dataDir, 'embedded.json'), 'utf8')).cluster).toBe(first.cluster);
			const owner = JSON.parse(await readFile(join(first.cluster, '..', 'data-folder.json'), 'utf8'));
			expect(owner.dataDir).toBe(dataDir);
			await ask(first.url('postgres'), 'create table kept as select 1 as one');
			await first.stop();
			const second = await start({ dataDir, serverHome });
			expect(second.cluster).toBe(first.cluster);
			expect(await ask(second.url('postgres'), 'select one from kept')).toEqual([{ one: 1 }]);
		});

		it('such a folder may be moved; a copy of it is refused, naming the original', async () => {
			const { closed, serverHome } = await makeClosedFolder();
			const [here, there, copy] = [join(closed, 'here'), join(closed, 'there'), join(closed, 'copy')];
			const first = await start({ dataDir: here, serverHome });
			await first.stop();
			execFileSync('mv', [here, there]);
			const moved = await start({ dataDir: there, serverHome });
			expect(moved.cluster).toBe(first.cluster);
			execFileSync('cp', ['-a', there, copy]);
			const answer = await refusal({ dataDir: copy, serverHome });
			expect(answer).toMatch(/^copied-folder: /);
			expect(answer).toContain(there);
			await moved.stop();
			for (const text of ['', '{', 'null', '[]', '{"dataDir":1}']) {
				await writeFile(join(first.cluster, '..', 'data-folder.json'), text);
				expect(await refusal({ dataDir: there, serverHome })).toMatch(/^no-usable-folder: .*which data folder/);
			}
			await rm(join(first.cluster, '..', 'data-folder.json'));
			execFileSync('rm', ['-r', first.cluster]);
			expect(await refusal({ dataDir: there, serverHome })).toMatch(/^cluster-missing: /);
		});

		it('a leftover server there is found and stopped', async () => {
			const { closed, serverHome } = await makeClosedFolder();
			const dataDir = join(closed, 'data');
			const held = await holdServer({ dataDir, serverHome });
			process.kill(held.supervisor, 'SIGKILL');
			await held.ended;
			await start({ dataDir, serverHome });
			expect(await isRunning(held.said.pid)).toBe(false);
		});

		it('a leftover server is found also without the right to look at processes of others, as in a container', async () => {
			const dataDir = await makeFolder(cleanUps);
			const held = await holdServer({ dataDir });
			process.kill(held.supervisor, 'SIGKILL');
			await held.ended;
			const script = new URL('../../test/hold-server.ts', import.meta.url).pathname;
			const args = ['--bounding-set', '-sys_ptrace', '--inh-caps', '-sys_ptrace', process.execPath, script];
			const input = 'stop\n';
			const said = execFileSync('setpriv', [...args, JSON.stringify({ dataDir })], { encoding: 'utf8', input });
			expect(JSON.parse(said).error).toBeUndefined();
			expect(await isRunning(held.said.pid)).toBe(false);
		});

		it('a place that the first version left closed, because of a umask, is opened', async () => {
			const { closed, serverHome } = await makeClosedFolder();
			// A crash may leave the folders in it with such a mode, too.
			for (const path of [serverHome, join(serverHome, 'run')]) await mkdir(path, { mode: 0o700 });
			const server = await start({ dataDir: join(closed, 'data'), serverHome });
			expect(server.cluster.startsWith(`${serverHome}/`)).toBe(true);
			expect((await stat(serverHome)).mode & 0o777).toBe(0o755);
		});

		it('a place that others can write is not trusted', async () => {
			const { closed, serverHome } = await makeClosedFolder();
			await mkdir(serverHome);
			await chmod(serverHome, 0o777);
			expect(await refusal({ dataDir: join(closed, 'data'), serverHome })).toMatch(
				/^no-usable-folder: .*only root can/,
			);
		});

		it('a folder above the data that was closed later is named', async () => {
			const folder = await makeFolder(cleanUps);
			const dataDir = join(folder, 'a', 'data');
			await (await start({ dataDir })).stop();
			await chmod(join(folder, 'a'), 0o700);
			expect(await refusal({ dataDir })).toMatch(/^no-usable-folder: .*can no longer enter/);
		});

		it("another user's database is not taken over", async () => {
			const dataDir = await makeFolder(cleanUps);
			await mkdir(join(dataDir, 'cluster'), { mode: 0o700 });
			await chown(join(dataDir, 'cluster'), 1, 1);
			expect(await refusal({ dataDir })).toMatch(/^wrong-owner: .*belongs to user 1 .* by user \d+: /);
		});

		it('an ordinary user runs the server as themselves, with the socket in their session folder', async () => {
			const folder = await makeFolder(cleanUps);
			const [dataDir, session] = [join(folder, 'data'), join(folder, 'session')];
			await mkdir(session, { mode: 0o700 });
			for (const path of [folder, session]) await chown(path, 1, 1);
			const run = { uid: 1, gid: 1, env: { PATH: '/usr/bin:/bin', XDG_RUNTIME_DIR: session } };
			const held = await holdServer({ dataDir }, run);
			expect(held.said.message).toBeUndefined();
			expect(held.said.runtimeDir.startsWith(`${session}/chancery-1-`)).toBe(true);
			expect((await stat(dataDir)).mode & 0o777).toBe(0o700);
			expect(await readFile(`/proc/${held.said.pid}/status`, 'utf8')).toMatch(/^Uid:\t1\t1\t1\t1$/m);
			process.kill(held.supervisor, 'SIGKILL');
			await held.ended;
			// The session has ended in the meantime: its folder is gone.
			execFileSync('rm', ['-r', session]);
			const again = await holdServer({ dataDir }, run);
			expect(again.said.message).toBeUndefined();
			expect(again.said.runtimeDir).toMatch(/^\/tmp\/chancery-1-[0-9a-f]{12}$/);
			expect(await isRunning(held.said.pid)).toBe(false);
			again.tell('stop');
			expect(await again.ended).toBe(0);
		});
	});
