/** Which database gets which account, on the accounts of this machine. Only root makes accounts; the tests remove theirs. */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IS_ROOT, makeFolder } from '../../test/supervised.ts';
import { type AccountPool, type Claimant, claimAccount } from './account-claims.ts';
import { readRecord, writeRecord } from './data-record.ts';
import { ACCOUNT_VARIABLE, type DatabaseAccount, findNamedAccount, makeAccount } from './database-account.ts';
import { startEmbedded } from './embedded.ts';
import { runAs } from './server-user.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Names used by this run alone: another run may be active at the same time. */
const PREFIX = `chancery-t${randomBytes(3).toString('hex')}-`;
const made = new Set<string>();
afterAll(() => {
	for (const name of made) execFileSync('userdel', [name], { stdio: 'ignore' });
});

let pool: AccountPool;
beforeEach(async () => {
	pool = { serverHome: await makeFolder(cleanUps), prefix: PREFIX };
});

interface Claimed extends Claimant {
	readonly account: DatabaseAccount;
}

/** Claims for a data folder, as a start does. */
async function claim(dataDir: string): Promise<Claimed> {
	const record = await readRecord(dataDir);
	const claimant = { dataDir, instance: record.instance, account: record.account };
	const account = await claimAccount(claimant, pool, (chosen) => writeRecord(dataDir, { ...record, account: chosen }));
	made.add(account.name);
	return { ...claimant, account };
}

describe.runIf(IS_ROOT)('accounts that we make', () => {
	it('have no password, shell, home or other group, and are of the system', async () => {
		const { account } = await claim(await makeFolder(cleanUps));
		const [, , uid, gid, comment, home, shell] = execFileSync('getent', ['passwd', account.name], { encoding: 'utf8' })
			.trim()
			.split(':');
		expect([uid, gid]).toEqual([String(account.uid), String(account.gid)]);
		expect([comment, home, shell]).toEqual(['Chancery database', '/nonexistent', '/usr/sbin/nologin']);
		expect(account.uid).toBeLessThan(1000);
		expect(execFileSync('getent', ['shadow', account.name], { encoding: 'utf8' })).toMatch(/^[^:]+:!/);
		expect(execFileSync('id', ['-G', account.name], { encoding: 'utf8' }).trim()).toBe(gid);
	});

	it('are kept by their database, and are another for each', async () => {
		const folders = [await makeFolder(cleanUps), await makeFolder(cleanUps)];
		const [first, second] = [await claim(folders[0] as string), await claim(folders[1] as string)];
		expect(first.account.uid).not.toBe(second.account.uid);
		expect((await claim(folders[0] as string)).account).toEqual(first.account);
		expect((await claim(folders[1] as string)).account).toEqual(second.account);
	});

	it('are different for databases that claim one at the same time', async () => {
		const folders = await Promise.all([1, 2, 3].map(() => makeFolder(cleanUps)));
		const claims = await Promise.all(folders.map(claim));
		expect(new Set(claims.map(({ account }) => account.uid)).size).toBe(3);
	});

	it('go to another database when the folder of theirs is gone, and only then', async () => {
		const gone = await makeFolder(cleanUps);
		const first = await claim(gone);
		expect((await claim(await makeFolder(cleanUps))).account.uid).not.toBe(first.account.uid);
		await rm(gone, { recursive: true });
		// The socket files of a server that was killed.
		const socket = join(pool.serverHome, 'run', 'chancery-0-0123456789ab');
		await mkdir(socket, { recursive: true });
		await writeFile(join(socket, '.s.PGSQL.5432.lock'), '');
		await chown(socket, first.account.uid, first.account.gid);
		expect((await claim(await makeFolder(cleanUps))).account).toEqual(first.account);
		expect(await readdir(join(pool.serverHome, 'run'))).toEqual([]);
	});

	it('stay taken while a process runs as them, or a database of theirs is in root’s folder', async () => {
		const gone = await makeFolder(cleanUps);
		const { account } = await claim(gone);
		await rm(gone, { recursive: true });
		const child = spawn('sleep', ['60'], { uid: account.uid, gid: account.gid, cwd: '/', stdio: 'ignore' });
		const ended = new Promise((resolve) => child.once('exit', resolve));
		const other = await makeFolder(cleanUps);
		expect((await claim(other)).account.uid).not.toBe(account.uid);
		child.kill('SIGKILL');
		await ended;
		const cluster = join(pool.serverHome, '0123', 'cluster');
		await mkdir(cluster, { recursive: true });
		await chown(cluster, account.uid, account.gid);
		expect((await claim(await makeFolder(cleanUps))).account.uid).not.toBe(account.uid);
	});

	it.each(['', '{', 'null', '{"dataDir":1}'])(
		'are free when their claim was cut short by a crash: %j',
		async (text) => {
			const { account } = await claim(await makeFolder(cleanUps));
			await writeFile(join(pool.serverHome, 'accounts', `${account.name}.json`), text);
			expect((await claim(await makeFolder(cleanUps))).account).toEqual(account);
		},
	);

	it('stay taken when the record of their database cannot be read', async () => {
		const folder = await makeFolder(cleanUps);
		const { account } = await claim(folder);
		await writeFile(join(folder, 'embedded.json'), '{"instance":');
		expect((await claim(await makeFolder(cleanUps))).account.uid).not.toBe(account.uid);
	});
});

describe.runIf(IS_ROOT)('an account', () => {
	it.each([
		['of a person', ['--create-home', '--shell', '/bin/sh'], /its comment is/],
		[
			'with a shell',
			['--comment', 'Chancery database', '--home-dir', '/nonexistent', '--shell', '/bin/sh'],
			/has a shell/,
		],
		['with a home', ['--comment', 'Chancery database', '--shell', '/usr/sbin/nologin'], /has a home/],
		[
			'with a password',
			[
				'--comment',
				'Chancery database',
				'--home-dir',
				'/nonexistent',
				'--shell',
				'/usr/sbin/nologin',
				'--password',
				'$6$x$y',
			],
			/with a password/,
		],
	])('%s that has the name of one of ours is refused', async (_, options, words) => {
		const name = `${PREFIX}person`;
		execFileSync('useradd', [...options, name], { stdio: 'ignore' });
		cleanUps.push(async () => execFileSync('userdel', ['--remove', name], { stdio: 'ignore' }));
		const refusal = await makeAccount(name).catch((error: Error) => error);
		expect(refusal).toMatchObject({ code: 'no-account', message: expect.stringMatching(words) });
	});

	it('that cannot be made, where useradd is missing or refuses, is refused with the ways on', async () => {
		for (const useradd of ['/nonexistent/useradd', '/bin/false'])
			await expect(makeAccount(`${PREFIX}none`, useradd)).rejects.toMatchObject({
				code: 'no-account',
				message: expect.stringMatching(/CHANCERY_DATABASE_USER, or start as an ordinary user, or set DATABASE_URL/),
			});
	});

	it.each([
		['nobody-of-this-name', /there is no such account/],
		['root', /which is root/],
		['nobody', /whom other programs run as/],
		['a b; reboot', /there is no such account/],
	])('that the operator names as %j is refused', async (name, words) => {
		await expect(findNamedAccount(name)).rejects.toMatchObject({
			code: 'no-account',
			message: expect.stringMatching(words),
		});
	});

	it('that the operator names runs the server, gets the cluster and gives it back', async () => {
		const dataDir = await makeFolder(cleanUps);
		const before = process.env[ACCOUNT_VARIABLE];
		cleanUps.push(async () => {
			if (before === undefined) delete process.env[ACCOUNT_VARIABLE];
			else process.env[ACCOUNT_VARIABLE] = before;
		});
		const own = { serverHome: pool.serverHome, unsafeNoSync: true, dataDir };
		const uids: number[] = [];
		for (const name of ['', 'daemon', '']) {
			process.env[ACCOUNT_VARIABLE] = name;
			const server = await startEmbedded(own);
			await server.createDatabase('kept');
			uids.push((await readRecord(dataDir)).account?.uid ?? 0);
			const { said } = await runAs(
				undefined,
				'/usr/bin/stat',
				['-c', '%u', server.cluster, `/proc/${server.pid}`],
				5_000,
			);
			expect(said).toBe(`${uids.at(-1)}\n${uids.at(-1)}`);
			await server.stop();
		}
		expect(uids[0]).not.toBe(1);
		expect(uids).toEqual([uids[0], 1, uids[0]]);
	});
});
