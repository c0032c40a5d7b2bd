/**
 * The command of the README, `npm start`, from a checkout: npm and the shell between it and the instance pass on
 * arguments, signals and exit codes. One folder, with a name that is hard to pass on, for the whole file.
 */
import { execFileSync } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
	CHECKOUT,
	canRun,
	type InstanceFile,
	IS_ROOT,
	lastingPart,
	makePlace,
	type Place,
	readInstance,
	removePlaces,
	up,
} from './instance.ts';
import { checkContinues, readHistory } from './log-history.ts';
import { processesOf, stopInTime } from './processes.ts';

const PATH_LENGTH = 150;

let place: Place;
beforeAll(async () => {
	const base = join(tmpdir(), 'chancery-up-abcdef/');
	place = await makePlace({
		name: `it's a "folder" with $HOME and ${'a long name '.repeat(20)}`.slice(0, PATH_LENGTH - base.length),
	});
});
afterAll(removePlaces);

let before: InstanceFile;

describe('npm start', () => {
	it('passes on a data folder with spaces, quotes and many letters, and the exit code of --once', async () => {
		expect(place.data).toHaveLength(PATH_LENGTH);
		const run = up(place, ['--once'], { through: 'npm' });
		expect({ ...(await run.ended), stderr: run.stderr }).toMatchObject({ code: 0, signal: null });
		expect(run.stdout).toMatch(/^ready/m);
		before = await readInstance(place);
		expect(before.root.path).toBe(join(place.data, 'trust/root.json'));
	});

	it('passes on the exit code of a refusal and of wrong usage', async () => {
		const refused = up(place, ['--port-base', String(place.portBase + 10)], { through: 'npm' });
		expect(await refused.ended).toEqual({ code: 1, signal: null });
		expect(refused.stderr).toContain(`made with --port-base ${place.portBase}`);
		const wrong = up(place, ['--twice'], { through: 'npm' });
		expect(await wrong.ended).toEqual({ code: 2, signal: null });
	});

	it('prints commands that work when pasted; SIGTERM ends npm with 0, and everything with it in time', async () => {
		const run = up(place, [], { through: 'npm' });
		await run.ready();
		await copyFile(join(CHECKOUT, 'README.md'), join(place.base, 'README.md'));
		const commands = run.stdout.split('\n').filter((line) => /^ +\S*bin\/chancery (sign|verify)-blob /.test(line));
		expect(commands).toHaveLength(2);
		for (const command of commands) execFileSync('/bin/sh', ['-c', command], { cwd: place.base, stdio: 'pipe' });

		const processes = await processesOf(place);
		expect(await stopInTime(run, processes, () => run.kill('SIGTERM'))).toEqual({ code: 0, signal: null });
	});

	it('ends in time with Ctrl-C, which reaches npm and the instance', async () => {
		const run = up(place, [], { through: 'npm', isGroup: true });
		await run.ready();
		const history = await readHistory(await readInstance(place));
		const processes = await processesOf(place);
		await stopInTime(run, processes, () => process.kill(-run.pid, 'SIGINT'));
		expect(run.stderr).toContain('SIGINT: stopping');

		const again = up(place);
		await again.ready();
		await checkContinues(history, await readInstance(place));
		expect(lastingPart(await readInstance(place))).toEqual(lastingPart(before));
		expect(await again.stop()).toEqual({ code: 0, signal: null });
	});
});

// As root, where the system lets root make a network without anything in it.
describe.runIf(IS_ROOT && canRun('unshare', '--net', 'ip', 'link', 'set', 'lo', 'up'))(
	'npm start without a network',
	() => {
		it('starts again from what is installed', async () => {
			const run = up(place, ['--once'], { through: 'npm', isCutOff: true });
			expect({ ...(await run.ended), stderr: run.stderr }).toMatchObject({ code: 0, signal: null });
			expect(run.stdout).toMatch(/^ready/m);
			expect(lastingPart(await readInstance(place))).toEqual(lastingPart(before));
		});
	},
);
