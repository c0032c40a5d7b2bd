import { chmod, lstat, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeMarkFolder, markFolder } from './marks.ts';

const ID = '0123456789abcdef0123456789abcdef';

let state: string;
let before: string | undefined;
beforeEach(async () => {
	before = process.env.XDG_STATE_HOME;
	state = await mkdtemp('/tmp/chancery-marks-');
	process.env.XDG_STATE_HOME = join(state, 'state');
});
afterEach(async () => {
	if (before === undefined) delete process.env.XDG_STATE_HOME;
	else process.env.XDG_STATE_HOME = before;
	await rm(state, { recursive: true });
});

it.each([0o022, 0o077, 0o000])('are kept in a folder of their owner alone under the umask %o', async (umask) => {
	const usual = process.umask(umask);
	await makeMarkFolder(ID).finally(() => process.umask(usual));
	expect((await lstat(markFolder(ID))).mode & 0o777).toBe(0o700);
});

it('are not kept where somebody else could exchange the folder', async () => {
	await mkdir(join(state, 'state'));
	await chmod(join(state, 'state'), 0o777);
	await expect(makeMarkFolder(ID)).rejects.toThrow(/state has mode 0777.*set XDG_STATE_HOME/);
	expect(await readdir(join(state, 'state'))).toEqual([]);
});
