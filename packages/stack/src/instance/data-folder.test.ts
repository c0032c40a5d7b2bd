/** Which folders become data folders, which do not, and that a refusal changes nothing. */
import { execFileSync } from 'node:child_process';
import {
	chmod,
	chown,
	link,
	lstat,
	mkdir,
	mkdtemp,
	readdir,
	realpath,
	rename,
	rm,
	symlink,
	writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { canEnter, runAs } from '@chancery/postgres/embedded/server-user';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkDataFolder, makeParts, openDataFolder } from './data-folder.ts';
import { openInstanceRecord } from './instance-record.ts';

const IS_ROOT = process.geteuid?.() === 0;
const OUR_MODE = IS_ROOT ? 0o711 : 0o700;
const SOMEBODY = { uid: 4321, gid: 4321 };
/** Of a group that may write a volume. */
const VOLUME_GROUP = 5432;

const cleanUps: (() => Promise<unknown>)[] = [];
let base: string;
let data: string;
beforeEach(async () => {
	base = await mkdtemp('/tmp/chancery-data-folder-');
	await chmod(base, 0o711);
	cleanUps.push(() => rm(base, { recursive: true, force: true }));
	data = join(base, 'data');
});
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const modeOf = async (path: string) => (await lstat(path)).mode & 0o7777;

/** Names, modes, owners and contents of everything below. */
const photograph = (path: string) =>
	execFileSync('sh', ['-c', 'find "$1" -printf "%P %y %m %U %G %s %l\\n" | sort', 'sh', path], { encoding: 'utf8' });

const outcome = (path: string): Promise<string> =>
	openDataFolder(path).then(
		() => 'opened',
		(error: Error) => `${error.name}: ${error.message}`,
	);

async function expectRefusal(path: string, words: RegExp): Promise<void> {
	const before = photograph(base);
	expect(await outcome(path)).toMatch(words);
	expect(photograph(base)).toBe(before);
}

/** A folder with the record of an instance, keys and trust. */
async function makeInstance(): Promise<void> {
	const folder = await openDataFolder(data);
	await openInstanceRecord(folder, { portBase: 8330, listening: ['ca'], addresses: ['127.0.0.1'] }, Date.now());
	await makeParts(folder);
	await writeFile(join(folder.keys, 'ca-issuing.pem'), 'key', { mode: 0o600 });
}

describe('a folder that is free', () => {
	it.each([
		['does not exist', async () => undefined],
		[
			'lies below folders that do not exist',
			async () => {
				data = join(base, 'a', 'b', 'data');
			},
		],
		['is empty', async () => mkdir(data)],
		['is empty and open to all', async () => mkdir(data).then(() => chmod(data, 0o1777))],
		[
			'is reached through a link of our own',
			async () => {
				await mkdir(join(base, 'real'));
				await symlink(join(base, 'real'), data);
			},
		],
	])('that %s is taken, and closed', async (_, prepare) => {
		await prepare();
		expect(await outcome(data)).toBe('opened');
		expect(await modeOf(await realpath(data))).toBe(OUR_MODE);
		expect(await readdir(data)).toEqual([]);
	});

	it.each([
		['before the lock', []],
		['with the lock', ['lock']],
		['with the name of its process', ['lock', 'lock.pid']],
		['by an earlier version with the lock', ['lock', 'lock-journal', 'lock.pid']],
		['while the record was written', ['lock', 'lock.pid', 'chancery.json.new']],
		['in the first version', ['lock', 'lock.pid', 'keys/', 'trust/']],
		['in the first version while the record was written', ['lock', 'lock.pid', 'keys/', 'trust/', 'chancery.json.new']],
	])('in which a first start was killed %s is continued', async (_, left) => {
		await mkdir(data, { mode: 0o711 });
		for (const name of left)
			await (name.endsWith('/')
				? mkdir(join(data, name), { mode: 0o700 })
				: writeFile(join(data, name), name.endsWith('.new') ? '{"form' : '', { mode: 0o600 }));
		await makeInstance();
		expect(await outcome(data)).toBe('opened');
	});
});

describe('a folder that is not free', () => {
	it.each([
		['a web root', 'htdocs/'],
		['a note', 'note.txt'],
		['keys that no record belongs to', 'keys/ca-issuing.pem'],
		['a database that no record belongs to', 'postgres/embedded.json'],
		['a name that only begins as ours', 'lock.txt'],
	])('because of %s is refused and stays as it is', async (_, name) => {
		await mkdir(join(data, name, name.endsWith('/') ? '' : '..'), { recursive: true });
		if (!name.endsWith('/')) await writeFile(join(data, name), '');
		await chmod(data, 0o1777);
		await expectRefusal(data, /^Refusal: .*holds no instance .*not empty: '/);
	});
});

describe('the folder of an instance', () => {
	it('that anybody may read is closed, as before', async () => {
		await makeInstance();
		await chmod(data, 0o755);
		expect(await outcome(data)).toBe('opened');
		expect(await modeOf(data)).toBe(OUR_MODE);
	});

	it.each([
		['is open to all', async () => chmod(data, 0o777), /mode 0777, so others could have exchanged/],
		['is open to a group', async () => chmod(data, 0o770), /mode 0770/],
		['has keys that others may list', async () => chmod(join(data, 'keys'), 0o755), /keys has mode 0755/],
		[
			'has a record that others may read',
			async () => chmod(join(data, 'chancery.json'), 0o644),
			/chancery.json has mode 0644/,
		],
		[
			'has a key that others may write',
			async () => chmod(join(data, 'keys/ca-issuing.pem'), 0o666),
			/ca-issuing.pem has mode/,
		],
		[
			'has a link for its keys',
			async () => {
				await rm(join(data, 'keys'), { recursive: true });
				await symlink('/etc', join(data, 'keys'));
			},
			/keys is a link/,
		],
		['has a link for its lock', async () => symlink('/etc/passwd', join(data, 'lock')), /lock is a link/],
		[
			'has a link for its log',
			async () => symlink('/etc/passwd', join(data, 'chancery.log')),
			/chancery.log is a link/,
		],
		[
			'has a record of two names',
			async () => link(join(data, 'chancery.json'), join(base, 'other')),
			/same file as another name/,
		],
		[
			'has a file for its trust',
			async () => {
				await rm(join(data, 'trust'), { recursive: true });
				await writeFile(join(data, 'trust'), '', { mode: 0o600 });
			},
			/trust is not a folder/,
		],
	])('that %s is refused, and stays as it is', async (_, spoil, words) => {
		await makeInstance();
		await spoil();
		await expectRefusal(data, words);
	});

	it.runIf(IS_ROOT).each(['', 'keys', 'trust', 'chancery.json', 'keys/ca-issuing.pem'])(
		'whose %j belongs to somebody else is refused, and stays as it is',
		async (name) => {
			await makeInstance();
			await chown(join(data, name), SOMEBODY.uid, SOMEBODY.gid);
			await expectRefusal(data, /belongs to (another user|user 4321)/);
		},
	);
});

describe('a folder whose place others can change', () => {
	it('below one that all may write is refused', async () => {
		await mkdir(join(base, 'open'));
		await chmod(join(base, 'open'), 0o777);
		await expectRefusal(join(base, 'open', 'data'), /open has mode 0777, so other users can replace/);
	});

	it('is refused with an instance in it, which may be moved and goes on there', async () => {
		await makeInstance();
		const [open, inside] = [join(base, 'open'), join(base, 'open', 'data')];
		await mkdir(open);
		await rename(data, inside);
		if (IS_ROOT) await chown(open, SOMEBODY.uid, SOMEBODY.gid);
		else await chmod(open, 0o777);
		await expectRefusal(inside, /open (has mode|belongs to) .*; the instance in .* is not lost: .* move the folder to/);
		await expect(checkDataFolder(inside)).rejects.toThrow(/is not lost: .* move the folder to a place of yours/);
		await rename(inside, data);
		expect(await outcome(data)).toBe('opened');
	});

	it('below one with the sticky bit, as /tmp has it, is taken', async () => {
		await mkdir(join(base, 'open'));
		await chmod(join(base, 'open'), 0o1777);
		expect(await outcome(join(base, 'open', 'data'))).toBe('opened');
	});

	describe.runIf(IS_ROOT)('because it belongs to somebody', () => {
		it.each([
			[
				'the folder above',
				async () => {
					await mkdir(join(base, 'theirs'));
					await chown(join(base, 'theirs'), SOMEBODY.uid, SOMEBODY.gid);
					return join(base, 'theirs', 'data');
				},
			],
			[
				'the link that leads there',
				async () => {
					await mkdir(data);
					execFileSync('ln', ['-s', data, join(base, 'link')]);
					execFileSync('chown', ['-h', '4321:4321', join(base, 'link')]);
					return join(base, 'link', 'deeper');
				},
			],
			[
				'the folder, empty',
				async () => {
					await mkdir(data);
					await chown(data, SOMEBODY.uid, SOMEBODY.gid);
					return data;
				},
			],
			[
				'keys/ in an open folder that is empty otherwise',
				async () => {
					await mkdir(join(data, 'keys'), { recursive: true });
					await chmod(data, 0o777);
					await chown(join(data, 'keys'), SOMEBODY.uid, SOMEBODY.gid);
					return data;
				},
			],
		])('%s: it is refused', async (_, prepare) => {
			await expectRefusal(await prepare(), /belongs to (another user|user 4321)/);
		});
	});
});

/** A file system of its own, as a volume is. Without the right to mount there is nothing to try. */
const canMount = IS_ROOT && (await mountTried());
async function mountTried(): Promise<boolean> {
	const place = await mkdtemp('/tmp/chancery-mount-');
	const { code } = await runAs(undefined, 'mount', ['-t', 'tmpfs', 'none', place], 10_000);
	if (code === 0) execFileSync('umount', [place]);
	await rm(place, { recursive: true });
	return code === 0;
}

const isReachable = await canEnter(import.meta.dirname, SOMEBODY);

describe.runIf(canMount)('a volume', () => {
	/** As Kubernetes and Docker leave them: who has it, its mode, and whether it has what ext4 begins with. */
	const FRESH: [what: string, mode: number, gid: number, isExt: boolean][] = [
		['a new ext4', 0o755, 0, true],
		['emptyDir', 0o777, 0, false],
		['emptyDir with fsGroup', 0o2777, VOLUME_GROUP, false],
		['a claim with fsGroup', 0o2775, VOLUME_GROUP, true],
		['a claim with fsGroup, closed to others', 0o2770, VOLUME_GROUP, false],
	];

	async function mountVolume(mode: number, gid: number, isExt: boolean): Promise<void> {
		await mkdir(data);
		execFileSync('mount', ['-t', 'tmpfs', 'none', data]);
		cleanUps.push(async () => execFileSync('umount', [data]));
		await chown(data, 0, gid);
		await chmod(data, mode);
		if (!isExt) return;
		await mkdir(join(data, 'lost+found'));
		await chown(join(data, 'lost+found'), 0, gid);
		await chmod(join(data, 'lost+found'), gid === 0 ? 0o700 : 0o2770);
	}

	it.each(FRESH)('that is %s is taken by root, also the second time', async (_, mode, gid, isExt) => {
		await mountVolume(mode, gid, isExt);
		await makeInstance();
		expect(await outcome(data)).toBe('opened');
		expect(await modeOf(data)).toBe(0o711);
	});

	it.runIf(isReachable).each(FRESH.filter(([, mode]) => (mode & 0o022) !== 0))(
		'that is %s is taken by a user who may write it, also the second time',
		async (_, mode, gid, isExt) => {
			await mountVolume(mode, gid, isExt);
			const program = `
				const { openDataFolder, makeParts } = await import('${import.meta.dirname}/data-folder.ts');
				const { openInstanceRecord } = await import('${import.meta.dirname}/instance-record.ts');
				const folder = await openDataFolder('${data}');
				const record = await openInstanceRecord(folder, { portBase: 8330, listening: ['ca'], addresses: ['127.0.0.1'] }, Date.now());
				await makeParts(folder);
				console.log(record.id);`;
			const user = ['--reuid', '4321', '--regid', '4321', '--groups', String(VOLUME_GROUP)];
			const command = [...user, process.execPath, '--input-type=module', '-e', program];
			const run = () => runAs(undefined, 'setpriv', command, 60_000);
			const first = await run();
			expect(first.said).toMatch(/^[0-9a-f]{32}$/);
			expect(await run()).toEqual(first);
			expect(await modeOf(data)).toBe(mode);
			expect(await modeOf(join(data, 'keys'))).toBe(0o700);
		},
	);

	it('with anything else in it is refused', async () => {
		await mountVolume(0o777, 0, true);
		await writeFile(join(data, 'of-another-pod'), '');
		await expectRefusal(data, /not empty: 'of-another-pod'/);
	});
});
