/** What `chancery up` does not start with, and how it says so: one line, an exit code, nothing left behind. */
import { chmod, chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chancery, IS_ROOT, makePlace, ORDINARY_USER, type Place, removePlaces, type User } from './instance.ts';

let place: Place;
beforeAll(async () => {
	place = await makePlace();
});
afterAll(removePlaces);

describe.concurrent('the command line', () => {
	it.for<[what: string, args: string[], words: RegExp]>([
		['a privileged port', ['--port-base', '80'], /80\b.*1024/],
		['a port that is none', ['--port-base', 'abc'], /--port-base.*abc/],
		['a port that is too large', ['--port-base', '70000'], /70000.*65526/],
		['a base without room for ten ports', ['--port-base', '65527'], /65527.*65526/],
		['a negative port', ['--port-base', '-7400'], /--port-base/],
		['a fraction of a port', ['--port-base', '7400.5'], /--port-base.*7400\.5/],
		['an empty port', ['--port-base', ''], /--port-base/],
		['an option without its value', ['--port-base'], /--port-base/],
		['an empty host', ['--host', ''], /--host/],
		['an unknown option', ['--ones'], /--ones/],
		['a word too many', ['now'], /too many arguments/],
	])('with %s is wrong usage', async ([, args, words], { expect }) => {
		const run = chancery(place, ['up', '--data', place.data, ...args]);
		expect(await run.ended).toEqual({ code: 2, signal: null });
		expect(run.stdout).toBe('');
		expect(run.stderr).toMatch(words);
		expect(run.stderr).not.toMatch(/^ +at /m);
		expect(await readdir(place.base)).not.toContain('data');
	});
});

/** Runs `up` on a folder that it must refuse, and answers its one line. */
async function refusal(data: string, at = place, args: string[] = []): Promise<string> {
	const run = chancery(at, ['up', '--data', data, '--port-base', String(at.portBase), ...args]);
	expect(await run.ended).toEqual({ code: 1, signal: null });
	expect(run.stdout).toBe('');
	expect(run.stderr).toMatch(/^error: .*\n$/);
	return run.stderr;
}

describe.concurrent('a data folder', () => {
	it('that is a file is refused', async () => {
		const file = join(place.base, 'file');
		await writeFile(file, '');
		expect(await refusal(file)).toMatch(/cannot use the data folder .*file/);
	});

	it('below a file is refused', async () => {
		const file = join(place.base, 'other-file');
		await writeFile(file, '');
		expect(await refusal(join(file, 'data'))).toMatch(/cannot use the data folder .*other-file/);
	});

	it('with a record that cannot be read is refused', async () => {
		const data = join(place.base, 'strange');
		await mkdir(data);
		const record = join(data, 'chancery.json');
		await writeFile(record, '{"format":1}', { mode: 0o600 });
		expect(await refusal(data)).toMatch(/chancery\.json is not the record/);
		await writeFile(record, '{"format":2}', { mode: 0o600 });
		expect(await refusal(data)).toMatch(/chancery\.json has format 2, and this program knows only 1/);
	});
});

describe.runIf(!IS_ROOT)('a data folder that this user may not use', () => {
	it('because it cannot be made is refused', async () => {
		const closed = join(place.base, 'closed');
		await mkdir(closed, { mode: 0o500 });
		expect(await refusal(join(closed, 'data'))).toMatch(/cannot use the data folder .*EACCES/);
	});

	it('because it is root’s is refused', async () => {
		expect(await refusal('/')).toMatch(/belongs to another user/);
	});
});

describe.runIf(ORDINARY_USER)('a data folder that one user may use and another may not', () => {
	const user = ORDINARY_USER as User;

	it('is refused to root, who could, when it belongs to somebody', async () => {
		const data = join(place.base, 'theirs');
		await mkdir(data);
		await chown(data, user.uid, user.gid);
		expect(await refusal(data)).toMatch(/theirs belongs to another user/);
		expect(await readdir(data)).toEqual([]);
	});

	it('is refused to an ordinary user when it is root’s', async () => {
		const theirs = await makePlace({ user });
		const data = join(theirs.base, 'roots');
		await mkdir(data);
		expect(await refusal(data, theirs)).toMatch(/roots belongs to another user/);
	});

	it('is refused to an ordinary user when it would lie in a folder of root', async () => {
		const theirs = await makePlace({ user });
		const closed = join(theirs.base, 'roots');
		await mkdir(closed);
		await chmod(closed, 0o755);
		expect(await refusal(join(closed, 'data'), theirs)).toMatch(/cannot use the data folder .*EACCES/);
	});
});

describe.runIf(process.platform === 'linux')('a data folder where nobody can make one', () => {
	it.each(['/proc/chancery', '/proc/chancery/data'])('is refused: %s', async (data) => {
		expect(await refusal(data)).toMatch(/cannot use the data folder \/proc\/chancery/);
	});
});

describe('the home of the user', () => {
	it('that cannot be written is refused, saying what to set for the marks of the logs', async () => {
		const file = join(place.base, 'no-folder');
		await writeFile(file, '');
		const run = chancery(place, ['up', '--data', place.data, '--port-base', String(place.portBase)], {
			env: { HOME: file, XDG_STATE_HOME: undefined },
		});
		expect(await run.ended).toEqual({ code: 1, signal: null });
		expect(run.stderr).toMatch(/^error: .*no-folder.*XDG_STATE_HOME.*$/m);
		expect(run.stderr).not.toMatch(/^ +at |initdb|cluster/m);
	});
});
