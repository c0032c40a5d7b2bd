import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmod, chown, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IS_ROOT, makeFolder } from '../test/supervised.ts';
import { canEnter } from './embedded/server-user.ts';
import { findUntrusted } from './trusted-path.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
let folder: string;
beforeEach(async () => {
	folder = await makeFolder(cleanUps);
});
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

it('is a path of ours and of root, down from /, with what is not there yet', async () => {
	expect(await findUntrusted(join(folder, 'a'))).toBeUndefined();
	expect(await findUntrusted(join(folder, 'a', 'b', 'c'))).toBeUndefined();
	expect(await findUntrusted('/')).toBeUndefined();
	expect(await findUntrusted('/proc/1/fd')).toBeUndefined();
});

it.each([
	[0o755, undefined],
	[0o775, undefined],
	[0o777, /^.*open has mode 0777, so other users can replace what lies below it$/],
	[0o757, /mode 0757/],
	[0o1777, undefined],
])('asks of a folder on the way with mode %o, of our own group, who may write it', async (mode, words) => {
	const open = join(folder, 'open');
	await mkdir(open);
	await chmod(open, mode);
	const found = await findUntrusted(join(open, 'deep', 'er'));
	if (words === undefined) expect(found).toBeUndefined();
	else expect(found).toMatch(words);
});

it('does not look at the end of the path itself', async () => {
	await mkdir(join(folder, 'end'));
	await chmod(join(folder, 'end'), 0o777);
	expect(await findUntrusted(join(folder, 'end'))).toBeUndefined();
});

it('follows our links, and ends in a circle of them', async () => {
	const open = join(folder, 'open');
	await mkdir(open);
	await chmod(open, 0o777);
	await symlink('open', join(folder, 'link'));
	expect(await findUntrusted(join(folder, 'link', 'x'))).toMatch(/open has mode 0777/);
	await symlink('circle', join(folder, 'circle'));
	expect(await findUntrusted(join(folder, 'circle', 'x'))).toMatch(/too many links/);
});

describe.runIf(IS_ROOT)('what belongs to somebody else', () => {
	it('is found as a folder, whatever its mode', async () => {
		await mkdir(join(folder, 'theirs'));
		await chown(join(folder, 'theirs'), 4321, 4321);
		expect(await findUntrusted(join(folder, 'theirs', 'x'))).toMatch(/theirs belongs to user 4321/);
	});

	it('is found as a link in /tmp, also in the middle of a chain', async () => {
		const [open, mine] = [join(folder, 'open'), join(folder, 'mine')];
		await mkdir(mine);
		await mkdir(open);
		await chmod(open, 0o1777);
		await symlink(mine, join(open, 'theirs'));
		execFileSync('chown', ['-h', '4321', join(open, 'theirs')]);
		await symlink(join(open, 'theirs'), join(folder, 'link'));
		expect(await findUntrusted(join(open, 'theirs', 'x'))).toMatch(/theirs belongs to user 4321/);
		expect(await findUntrusted(join(folder, 'link', 'x'))).toMatch(/theirs belongs to user 4321/);
	});

	it('is a group that may write', async () => {
		await mkdir(join(folder, 'group'));
		await chown(join(folder, 'group'), 0, 4321);
		await chmod(join(folder, 'group'), 0o2775);
		expect(await findUntrusted(join(folder, 'group', 'x'))).toMatch(/group has mode 2775/);
	});
});

/** Numbers and a name of no account: above those of the distribution, and different from those of people. */
const USER = { uid: 54_000 + randomInt(1000), gid: 55_000 + randomInt(1000) };
const NAME = `chancery-pg${USER.uid}`;
const isReachable = await canEnter(import.meta.dirname, USER);

describe.runIf(IS_ROOT && isReachable)('a folder that the first group of the user may write', () => {
	const run = (program: string, ...args: string[]) =>
		execFileSync(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });

	/** What a process of the user finds below a folder of his that this group may write. */
	async function ask(uid: number, gid: number): Promise<string> {
		const theirs = join(folder, 'theirs');
		await mkdir(theirs, { recursive: true });
		await chown(theirs, uid, gid);
		await chmod(theirs, 0o775);
		const program = `
			const { findUntrusted } = await import('${import.meta.dirname}/trusted-path.ts');
			console.log(await findUntrusted('${theirs}/x') ?? 'trusted');`;
		const who = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups'];
		return String(run('setpriv', ...who, process.execPath, '--input-type=module', '-e', program)).trim();
	}

	function addAccount(name: string, uid: number): void {
		run('useradd', '--no-create-home', '--no-user-group', '--uid', String(uid), '--gid', String(USER.gid), name);
		cleanUps.push(async () => run('userdel', name));
	}

	function addGroup(name: string): void {
		run('groupadd', '--gid', String(USER.gid), name);
		// Missing when userdel has removed the group with the user's name.
		cleanUps.push(async () => run('sh', '-c', 'groupdel "$0" || [ $? = 6 ]', name));
	}

	it('is his own where the machine knows neither number, and they are the same', async () => {
		expect(await ask(USER.uid, USER.uid)).toBe('trusted');
		expect(await ask(USER.uid, USER.gid)).toMatch(/theirs has mode 0775, so other users can replace/);
	});

	it('is not his own where that is the group of all users', async () => {
		const gid = Number(/^users:[^:]*:(\d+)/m.exec(String(run('getent', 'group')))?.[1]);
		expect(await ask(USER.uid, gid)).toMatch(/theirs has mode 0775/);
		expect(await ask(gid, gid)).toMatch(/theirs has mode 0775/);
	});

	it('is his own when the group has his name and no other member', async () => {
		addGroup(NAME);
		addAccount(NAME, USER.uid);
		expect(await ask(USER.uid, USER.gid)).toBe('trusted');
		run('usermod', '--append', '--groups', NAME, 'daemon');
		expect(await ask(USER.uid, USER.gid)).toMatch(/theirs has mode 0775/);
		run('gpasswd', '--delete', 'daemon', NAME);
		expect(await ask(USER.uid, USER.gid)).toBe('trusted');
		addAccount(`${NAME}b`, USER.uid + 2000);
		expect(await ask(USER.uid, USER.gid)).toMatch(/theirs has mode 0775/);
	});

	it('is not his own when the group has another name, whatever its members', async () => {
		addGroup(`${NAME}g`);
		addAccount(NAME, USER.uid);
		expect(await ask(USER.uid, USER.gid)).toMatch(/theirs has mode 0775/);
	});
});
