/** Starts that are stopped before they are ready: in order, in time, and the next one goes on from there. */
import { setTimeout as sleep } from 'node:timers/promises';
import { waitUntil } from '@chancery/postgres/embedded/process-identity';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makePlace, type Place, removePlaces, up } from './instance.ts';
import { databaseOf, databaseProcesses, openPorts, STOPPED_WITHIN_MS } from './processes.ts';

/** One folder: each start comes further than the one before. */
let place: Place;
beforeAll(async () => {
	place = await makePlace();
});
afterAll(removePlaces);

const isAnythingLeft = async () => {
	const database = await databaseOf(place);
	return [...(database ? await databaseProcesses(database) : []), ...(await openPorts(place))].length > 0;
};

describe('a start that is stopped', () => {
	it.each([
		['before it has done anything', undefined, 'SIGTERM'],
		['by Ctrl-C while its database is made', /development keys/, 'SIGINT'],
		['while its database is made', /development keys/, 'SIGTERM'],
		['when its database is there', / {2}database$/m, 'SIGTERM'],
		['by a closed terminal when its services are there', / {2}services$/m, 'SIGHUP'],
		['during the self-test', /self-test: trusted root/, 'SIGINT'],
	] as const)('%s ends in time and leaves nothing running', async (_, words, signal) => {
		const run = up(place, [], { isGroup: true });
		if (words) await run.said(words);
		await sleep(Math.random() * 100);
		const askedAt = performance.now();
		// A terminal signals the group; SIGTERM comes to the process alone.
		process.kill(signal === 'SIGTERM' ? run.pid : -run.pid, signal);
		const end = await run.ended;
		const leftMs = askedAt + STOPPED_WITHIN_MS - performance.now();
		expect(await waitUntil(async () => !(await isAnythingLeft()), leftMs)).toBe(true);
		expect(run.stdout).toBe('');
		expect(run.stderr).not.toMatch(/^error/m);
		// A program that has not got as far as listening for signals simply ends by them: it has no exit code.
		if (words) expect({ ...end, stderr: run.stderr }).toMatchObject({ code: 0, signal: null });
	});

	it('is made good by one that is not', async () => {
		const run = up(place, ['--once']);
		expect({ ...(await run.ended), stderr: run.stderr }).toMatchObject({ code: 0, signal: null });
		expect(run.stdout).toMatch(/^ready/m);
	});
});
