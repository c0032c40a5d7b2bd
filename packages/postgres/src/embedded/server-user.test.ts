import { chmod, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeFolder } from '../../test/supervised.ts';
import { canEnter, runAs, SCRUBBED_ENV } from './server-user.ts';

const NOBODY = { uid: 65534, gid: 65534 };

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

describe('canEnter', () => {
	const me = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
	const sameGroup = { ...NOBODY, gid: me.gid };

	it.each([
		[0o700, { me: true, sameGroup: false, nobody: false }],
		[0o710, { me: true, sameGroup: true, nobody: false }],
		[0o711, { me: true, sameGroup: true, nobody: true }],
		[0o744, { me: true, sameGroup: false, nobody: false }],
		// The first class that matches decides: the group is excluded although everybody else may enter.
		[0o701, { me: true, sameGroup: false, nobody: true }],
	])('reads mode %o as the kernel does', async (mode, expected) => {
		const folder = join(await makeFolder(cleanUps), 'x');
		await mkdir(join(folder, 'below'), { recursive: true });
		await chmod(folder, mode);
		for (const path of [folder, join(folder, 'below')])
			expect({
				me: await canEnter(path, me),
				sameGroup: await canEnter(path, sameGroup),
				nobody: await canEnter(path, NOBODY),
			}).toEqual(expected);
	});

	it('looks at where a link leads', async () => {
		const folder = await makeFolder(cleanUps);
		await mkdir(join(folder, 'closed'));
		await chmod(join(folder, 'closed'), 0o700);
		await symlink(join(folder, 'closed'), join(folder, 'link'));
		expect(await canEnter(join(folder, 'link'), NOBODY)).toBe(false);
	});
});

describe('runAs', () => {
	it('gives the program nothing of our environment and no shell', async () => {
		const { code, said } = await runAs(undefined, '/usr/bin/env', [], 10_000);
		expect(code).toBe(0);
		expect(said.split('\n').sort()).toEqual(
			Object.entries(SCRUBBED_ENV)
				.map(([name, value]) => `${name}=${value}`)
				.sort(),
		);
		expect((await runAs(undefined, '/bin/echo', ['$HOME; ls'], 10_000)).said).toBe('$HOME; ls');
	});

	it('tells exit codes, failures to run and timeouts apart without throwing', async () => {
		expect((await runAs(undefined, '/bin/sh', ['-c', 'echo no >&2; exit 7'], 10_000)).code).toBe(7);
		expect(await runAs(undefined, '/nonexistent', [], 10_000)).toMatchObject({
			code: undefined,
			said: expect.stringContaining('ENOENT'),
		});
		expect((await runAs(undefined, '/bin/sleep', ['60'], 50)).code).toBeUndefined();
	});
});
