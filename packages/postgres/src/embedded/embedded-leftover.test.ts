import { afterEach, describe, expect, it } from 'vitest';
import { ask, type Held, holdServer, isRunning, makeFolder } from '../../test/supervised.ts';
import { openDatabase } from '../pool.ts';
import { type EmbeddedPostgres, startEmbedded } from './embedded.ts';
import { postgresProcesses } from './process-identity.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
	for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Starts on a folder that a killed run has left. */
async function startAgain(dataDir: string, messages: string[] = []): Promise<EmbeddedPostgres> {
	const server = await startEmbedded({ dataDir, unsafeNoSync: true, log: (message) => messages.push(message) });
	cleanUps.push(() => server.stop());
	return server;
}

async function hold(dataDir: string): Promise<Held> {
	const held = await holdServer({ dataDir });
	await ask(held.said.url, 'create table item (id int)');
	await ask(held.said.url, 'insert into item select generate_series(1, 1000)');
	return held;
}

async function kill(held: Held): Promise<void> {
	process.kill(held.supervisor, 'SIGKILL');
	await held.ended;
}

const countItems = (server: EmbeddedPostgres) => ask(server.url('postgres'), 'select count(*) as n from item');

describe('the server of a killed supervisor', () => {
	it('is stopped by the next start, which finds everything committed', async () => {
		const dataDir = await makeFolder(cleanUps);
		const held = await hold(dataDir);
		await kill(held);
		expect(await isRunning(held.said.pid)).toBe(true);
		const messages: string[] = [];
		const server = await startAgain(dataDir, messages);
		expect(await isRunning(held.said.pid)).toBe(false);
		expect(messages.join()).toContain(`process ${held.said.pid}`);
		expect(await countItems(server)).toEqual([{ n: 1000 }]);
	});

	it('is stopped also when it does not listen any more', async () => {
		const dataDir = await makeFolder(cleanUps);
		const held = await hold(dataDir);
		await kill(held);
		process.kill(held.said.pid, 'SIGSTOP');
		const server = await startAgain(dataDir);
		expect(await isRunning(held.said.pid)).toBe(false);
		expect(await countItems(server)).toEqual([{ n: 1000 }]);
	});

	it('may have been killed with it, leaving busy helpers and a stale postmaster.pid', async () => {
		const dataDir = await makeFolder(cleanUps);
		const held = await hold(dataDir);
		// A statement that never checks for signals: the helper that runs it does not notice the end of its server.
		const busy = openDatabase({ url: held.said.url, applicationName: 'busy' });
		const statement = busy.query(`select count(*) from generate_series(1, 300000000) as a`).then(
			() => undefined,
			(error: Error) => error,
		);
		await expect
			.poll(() => ask(held.said.url, `select 1 as one from pg_stat_activity where application_name = 'busy'`))
			.toHaveLength(1);
		await kill(held);
		process.kill(held.said.pid, 'SIGKILL');
		const server = await startAgain(dataDir);
		expect(await countItems(server)).toEqual([{ n: 1000 }]);
		expect(await statement).toBeInstanceOf(Error);
		await busy.close();
	});

	it('survives many kills without losing a committed row', async () => {
		const dataDir = await makeFolder(cleanUps);
		await kill(await hold(dataDir));
		for (let round = 1; round <= 3; round++) {
			const held = await holdServer({ dataDir });
			await ask(held.said.url, 'insert into item values ($1)', [-round]);
			await kill(held);
			if (round % 2 === 0) process.kill(held.said.pid, 'SIGKILL');
		}
		expect(await countItems(await startAgain(dataDir))).toEqual([{ n: 1003 }]);
	});

	it('ends with it when the supervisor dies of an exception', async () => {
		const dataDir = await makeFolder(cleanUps);
		const held = await holdServer({ dataDir });
		held.tell('crash');
		await held.ended;
		await expect.poll(() => isRunning(held.said.pid)).toBe(false);
		await startAgain(dataDir);
	});

	it('ends cleanly when told to, with all its helpers', async () => {
		const dataDir = await makeFolder(cleanUps);
		const held = await holdServer({ dataDir });
		expect((await postgresProcesses(held.said.cluster)).length).toBeGreaterThan(1);
		held.tell('stop');
		expect(await held.ended).toBe(0);
		expect(await postgresProcesses(held.said.cluster)).toEqual([]);
	});
});
