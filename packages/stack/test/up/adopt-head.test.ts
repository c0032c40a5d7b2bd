/** `chancery log adopt-head` as an operator meets it: the state folder is lost, and nothing else leads on. */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chancery, makePlace, type Place, readInstance, removePlaces, up } from './instance.ts';
import { checkContinues, type History, readHistory } from './log-history.ts';
import type { Run } from './run.ts';

const LOGS = ['v1', 'v2', 'ctlog'] as const;
type LogName = (typeof LOGS)[number];

let place: Place;
let run: Run;
let history: History;
beforeAll(async () => {
	place = await makePlace();
	run = up(place);
	await run.ready();
	history = await readHistory(await readInstance(place));
});
afterAll(removePlaces);

const stateFolder = () => join(place.base, 'home', '.local', 'state', 'chancery');

function adopt(log: string, size: number | string, ...more: string[]): Run {
	const reason = 'the state folder went with the old disk';
	const args = ['log', 'adopt-head', '--data', place.data, '--log', log, '--size', String(size), '--reason', reason];
	return chancery(place, [...args, ...more]);
}

/** A command that must refuse: answers its words. */
async function refusal(refused: Run, code = 1): Promise<string> {
	expect({ ...(await refused.ended), stdout: refused.stdout, stderr: refused.stderr }).toMatchObject({
		code,
		signal: null,
		stdout: '',
	});
	expect(refused.stderr).not.toMatch(/^ +at /m);
	return refused.stderr;
}

/** Which log the next start names first. It ends by itself, and leaves everything as it was. */
async function refusedStart(): Promise<{ log: LogName; words: string }> {
	const words = await refusal(up(place));
	const [, log] = /^error: the log (v1|v2|ctlog) may not grow: /m.exec(words) ?? [];
	expect(words).toContain(`run 'chancery log adopt-head --log ${log}'`);
	return { log: log as LogName, words };
}

/** The same for the TUF repository, which comes after the logs. */
async function refusedRepository(): Promise<string> {
	const words = await refusal(up(place));
	expect(words).toMatch(/^error: the TUF repository may not publish: /m);
	expect(words).toContain("run 'chancery tuf adopt-repository'");
	return words;
}

function adoptRepository(timestamp: number, ...more: string[]): Run {
	const args = ['tuf', 'adopt-repository', '--data', place.data, '--timestamp', String(timestamp)];
	return chancery(place, [...args, '--reason', 'the state folder went with the old disk', ...more]);
}

const sizeOf = (log: LogName) => history[log].size;

it('is refused while the instance runs', async () => {
	expect(await refusal(adopt('v1', sizeOf('v1')))).toMatch(/^error: .*(already|another|runs|use).*\n$/m);
	await run.stop();
});

it.each([
	['a log that there is not', ['v3', '1'], /v1, v2, ctlog/],
	['a size that is none', ['v1', '1.5'], /number of entries/],
	['a negative size', ['v1', '-1'], /number of entries|--size/],
])('is wrong usage for %s', async (_, [log = '', size = ''], words) => {
	expect(await refusal(adopt(log, size), 2)).toMatch(words);
});

it('is the only way on when the state folder is lost, for each log by its own name and size', async () => {
	await rename(stateFolder(), join(place.base, 'lost'));
	const adopted: LogName[] = [];
	while (adopted.length < LOGS.length) {
		const { log, words } = await refusedStart();
		expect(words).toMatch(new RegExp(`missing: there is no mark beside a log of ${sizeOf(log)} entries`));
		expect(adopted).not.toContain(log);
		const wrong = sizeOf(log) + (adopted.length % 2 ? 1 : -1);
		expect(await refusal(adopt(log, wrong))).toMatch(
			new RegExp(`the published head is at size ${sizeOf(log)}, expected was ${wrong}`),
		);
		const adopting = adopt(log, sizeOf(log), '--json');
		expect(await adopting.ended).toEqual({ code: 0, signal: null });
		expect(JSON.parse(adopting.stdout)).toEqual({ log, previousSize: null, size: sizeOf(log) });
		adopted.push(log);
	}
	expect(adopted.toSorted()).toEqual(LOGS.toSorted());
});

it.each([
	['another word', 'nothing'],
	['a role left out', `root=1:${'0'.repeat(64)},targets=1,snapshot=1`],
	['a root without its hash', 'root=1,targets=1,snapshot=1,timestamp=1'],
	['a role twice', `root=1:${'0'.repeat(64)},targets=1,targets=1,snapshot=1,timestamp=1`],
	['a role that there is not', `root=1:${'0'.repeat(64)},targets=1,snapshot=1,time=1`],
	['a version that is none', `root=1:${'0'.repeat(64)},targets=1,snapshot=1,timestamp=x`],
])('is wrong usage with %s as what clients have seen', async (_, seen) => {
	expect(await refusal(adoptRepository(1, '--seen', seen), 2)).toMatch(/--seen/);
});

it('comes before that of the TUF repository, by its own command and version', async () => {
	expect(await refusedRepository()).toMatch(/missing: there is no mark beside a repository that had one/);
	expect(await refusal(adoptRepository(7))).toMatch(/the newest timestamp in the database is 1, expected was 7/);
	// Nobody can tell what clients have seen but the operator.
	expect(await refusal(adoptRepository(1))).toMatch(/what clients have seen is not known, because there is no mark/);
	// Nothing can be put in place of a folder, as on a disk that takes nothing more.
	const [instance = ''] = await readdir(stateFolder());
	const mark = join(stateFolder(), instance, 'tuf.mark');
	await mkdir(join(mark, 'in the way'), { recursive: true });
	expect(await refusal(adoptRepository(1, '--seen', 'nothing-newer'))).toMatch(
		/^error: the mark .*tuf\.mark cannot be written \(E[A-Z]+: .+\)\n$/m,
	);
	await rm(mark, { recursive: true });
	const adopting = adoptRepository(1, '--json', '--seen', 'nothing-newer');
	expect(await adopting.ended).toEqual({ code: 0, signal: null });
	expect(JSON.parse(adopting.stdout)).toEqual({
		previous: null,
		seen: {},
		adopted: { root: 1, snapshot: 1, targets: 1, timestamp: 1 },
	});

	// Later they find a client that saw more.
	const found = `root=1:${'0'.repeat(64)},targets=2,snapshot=3,timestamp=4`;
	const again = adoptRepository(1, '--json', '--seen', found);
	expect(await again.ended).toEqual({ code: 0, signal: null });
	expect(JSON.parse(again.stdout)).toMatchObject({ seen: { root: 1, targets: 2, snapshot: 3, timestamp: 4 } });

	run = up(place);
	await run.ready();
	history = await checkContinues(history, await readInstance(place));
	await run.stop();
});

/** One more life of the instance: its self-test adds to every log. */
async function liveOn(): Promise<History> {
	const again = up(place);
	await again.ready();
	const now = await checkContinues(history, await readInstance(place));
	await again.stop();
	return now;
}

it('is the only way on for a data folder that was restored beside newer marks, and names both sizes', async () => {
	// A copy of the stopped instance, as a backup makes it; then life goes on, and the disk is lost.
	const backup = join(place.base, 'backup');
	execFileSync('cp', ['-a', place.data, backup]);
	const before = history;
	history = await liveOn();
	await rm(place.data, { recursive: true });
	await rename(backup, place.data);
	const { log, words } = await refusedStart();
	expect(words).toMatch(
		new RegExp(`rolled-back: the database holds ${before[log].size} entries, but ${history[log].size} were published`),
	);
	expect(await readdir(stateFolder())).toHaveLength(1);
	expect(await refusal(adopt(log, history[log].size))).toMatch(
		new RegExp(`the published head is at size ${before[log].size}, expected was ${history[log].size}`),
	);
	for (const name of LOGS) {
		const adopting = adopt(name, before[name].size, '--json');
		expect({ ...(await adopting.ended), stderr: adopting.stderr }).toMatchObject({ code: 0 });
		expect(JSON.parse(adopting.stdout)).toEqual({
			log: name,
			previousSize: history[name].size,
			size: before[name].size,
		});
	}
	run = up(place);
	await run.ready();
	await checkContinues(before, await readInstance(place));
});
