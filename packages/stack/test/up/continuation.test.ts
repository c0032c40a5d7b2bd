/** One data folder over many lives of its instance, however each of them ended: keys, root and logs go on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, readInstance, removePlaces, up } from './instance.ts';
import { checkContinues, type History, readHistory } from './log-history.ts';
import { databaseOf, databaseProcesses, type Processes, processesOf } from './processes.ts';
import type { Run } from './run.ts';

afterAll(removePlaces);

describe('an instance that is started again', () => {
	let place: Place;
	let run: Run;
	let history: History;

	beforeAll(async () => {
		place = await makePlace();
		run = up(place);
		await run.ready();
		history = await readHistory(await readInstance(place));
	});

	/** Starts the instance, and finds in it what the one before has shown. */
	async function startAgain(): Promise<void> {
		run = up(place);
		await run.ready();
		const now = await checkContinues(history, await readInstance(place));
		// The self-test of each start adds to every log.
		expect(now.v1.size).toBeGreaterThan(history.v1.size);
		expect(now.v2.size).toBeGreaterThan(history.v2.size);
		expect(now.ctlog.size).toBeGreaterThan(history.ctlog.size);
		history = now;
	}

	const endings: [how: string, end: (processes: Processes) => Promise<void>][] = [
		[
			'an orderly stop',
			async () => {
				expect(await run.stop()).toEqual({ code: 0, signal: null });
			},
		],
		[
			'kill -9 of its process alone',
			async ({ node, database }) => {
				process.kill(node, 'SIGKILL');
				await run.ended;
				const left = await databaseProcesses((await databaseOf(place)) ?? { cluster: '' });
				expect(left).toContain(database);
			},
		],
		[
			'kill -9 of its process and of the database',
			async ({ node, database }) => {
				process.kill(node, 'SIGKILL');
				process.kill(database, 'SIGKILL');
				await run.ended;
			},
		],
		[
			'kill -9 of everything at a random moment of the next start',
			async () => {
				await run.stop();
				const starting = up(place);
				await sleep(Math.random() * 1500);
				starting.kill('SIGKILL');
				await starting.ended;
				const database = await databaseOf(place);
				for (const pid of database ? await databaseProcesses(database) : []) process.kill(pid, 'SIGKILL');
			},
		],
		[
			'kill -9 of its process alone at random moments of the next two starts',
			async () => {
				process.kill(run.pid, 'SIGKILL');
				await run.ended;
				for (let times = 0; times < 2; times++) {
					const starting = up(place);
					await sleep(Math.random() * 1500);
					starting.kill('SIGKILL');
					await starting.ended;
				}
			},
		],
	];
	it.each(endings)('continues after %s', async (_, end) => {
		await end(await processesOf(place));
		await startAgain();
	});
});

describe('a first start', () => {
	it('that is killed at one point after the other is made good by the one that is not', async () => {
		const place = await makePlace();
		for (const words of [
			/data in/,
			/development keys/,
			/ {2}database$/m,
			/ {2}services$/m,
			/self-test: trusted root/,
		]) {
			const killed = up(place);
			await killed.said(words);
			await sleep(Math.random() * 100);
			killed.kill('SIGKILL');
			await killed.ended;
		}
		const run = up(place, ['--once']);
		expect({ ...(await run.ended), stderr: run.stderr }).toMatchObject({ code: 0, signal: null });
		expect(run.stdout).toMatch(/^ready/m);
	});
});
