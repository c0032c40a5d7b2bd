/**
 * The logs on a disk that forgets what was not synced (CRASH_UNSYNCED_RUNS power failures, 50 unless set), and the proof
 * that it would be noticed: on a disk that says it has synced and has not, promises are lost and the judge finds out.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { afterEach, expect, it } from 'vitest';
import { campaignSeed } from './campaign-seed.ts';
import { createForgetfulDisk, type ForgetfulDisk } from './forgetful-disk.ts';
import { createJudge } from './judge.ts';
import type { LogServer } from './log-server.ts';
import { LOG_NAMES } from './proposals.ts';
import { quantiles, say } from './report.ts';
import { createTestbed, killDatabase, readSettings, type Testbed } from './testbed.ts';
import { startWriters, type Writers } from './writers.ts';

const RUNS = Number(process.env.CRASH_UNSYNCED_RUNS ?? 50);
const WRITERS = Number(process.env.CRASH_UNSYNCED_WRITERS ?? 64);
const LONGEST_CALM_MS = 1_500;

/** A machine: database and log process on one forgetful disk. */
interface Machine {
	readonly testbed: Testbed;
	readonly disk: ForgetfulDisk;
	/** With `lies`, on a disk whose syncs do nothing. */
	start(lies?: boolean): Promise<void>;
	/** Kills every process at once and leaves what the disk remembers. */
	failPower(random?: SeededRandom): ReturnType<ForgetfulDisk['failPower']>;
	readonly server: () => LogServer;
	end(): Promise<void>;
}

/** Where the marks are: they only help against a disk that they do not share. */
type MarkPlace = 'the same disk' | 'another disk';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
	for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const hasCompiler = (() => {
	try {
		execFileSync('cc', ['--version'], { stdio: 'ignore' });
		return true;
	} catch {
		return false;
	}
})();

if (process.platform !== 'linux' || !hasCompiler) {
	it('runs on a disk that forgets', () => {
		const reason = 'power failures: not run (needs Linux and a C compiler called cc)';
		say(reason);
		expect(process.env.CI, reason).toBeFalsy();
	});
} else {
	it(`keeps every promise through ${RUNS} power failures on a disk that forgets what was not synced`, async () => {
		const seed = campaignSeed();
		say(`power failures: ${RUNS} runs, ${WRITERS} writers, seed ${seed}; layer: LD_PRELOAD, see unsynced-writes.c`);
		const random = new SeededRandom(`${seed} power`);
		const machine = await createMachine();
		const { urls, client, reader, authority } = machine.testbed;
		await machine.start();
		await machine.testbed.registerAuthority();
		const settings = await readSettings(machine.testbed.plan.databaseUrl);
		say(
			`the server says: ${Object.entries(settings)
				.map(([name, value]) => `${name}=${value}`)
				.join(' ')}`,
		);
		expect(settings).toMatchObject({
			fsync: 'on',
			full_page_writes: 'on',
			synchronous_commit: 'on',
			io_method: 'sync',
		});

		const writers = startWriters({ urls, client, reader, authority, seed, count: WRITERS });
		cleanups.push(() => endWriters(writers));
		const judge = createJudge({ urls, client, reader, random: new SeededRandom(`${seed} judge`) });
		const recovery: number[] = [];
		const sums = { lostBlocks: 0, keptBlocks: 0, lostNames: 0 };
		for (let run = 1; run <= RUNS; run++) {
			await sleep(random.below(LONGEST_CALM_MS));
			const lost = await machine.failPower(random);
			for (const name of ['lostBlocks', 'keptBlocks', 'lostNames'] as const) sums[name] += lost[name];
			const backAtMs = performance.now();
			await machine.start();
			await Promise.all(LOG_NAMES.map((name) => reader.ledgers[name].acknowledgedAfter(backAtMs)));
			recovery.push((performance.now() - backAtMs) / 1000);
			await judge.look();
			expect(writers.violations).toEqual([]);
			if (run % 10 === 0) say(`${run} power failures, ${writers.counts.acknowledged} acknowledgements`);
		}
		await writers.stop();
		const last = createJudge({ urls, client, reader, random: new SeededRandom(`${seed} last`), everything: true });
		await last.look();
		say(
			`power failures: ${RUNS}, ${writers.counts.acknowledged} acknowledgements, entries ${JSON.stringify(last.sizes)}, ` +
				`lost ${sums.lostBlocks} unsynced blocks of 4 KiB and ${sums.lostNames} names, ` +
				`${sums.keptBlocks} unsynced blocks survived; recovery ${quantiles(recovery)}; violations 0`,
		);
		// A layer that never drops anything would prove nothing.
		expect(sums.lostBlocks).toBeGreaterThan(RUNS);
	});

	it('notices a disk that lies about syncing: the judge finds what was promised and is gone', async () => {
		const { lost, judge } = await loseByLying('the same disk');
		say(`control: a disk that lies lost ${lost.lostBlocks} blocks of what was synced and not`);
		await expect(judge.look()).rejects.toThrow(/LOST|the tree has \d+ leaves, a client has seen \d+/);
	});

	it('notices a database disk that lies by the mark alone: the logs are read-only and say what is missing', async () => {
		const { machine } = await loseByLying('another disk');
		const { client, urls, authority } = machine.testbed;
		const body = JSON.stringify({ chain: authority.issue().chain });
		const reply = await client.ask(`${urls.ct}/ct/v1/add-pre-chain`, { body });
		expect(reply.status).toBe(503);
		const ready = await client.ask(`http://127.0.0.1:${machine.testbed.plan.ports.ctAdmin}/readyz`, {
			token: machine.testbed.adminToken,
		});
		expect(`${reply.body}${ready.body}`).toMatch(/rolled-back: the database holds \d+ entries, but \d+ were published/);
	});

	it('refuses to write to a server that says itself that it does not sync', async () => {
		const testbed = await createTestbed();
		cleanups.push(() => testbed.remove());
		const database = await testbed.startDatabase({ unsafeNoSync: true });
		cleanups.push(() => database.stop());
		const server = await testbed.startServer();
		cleanups.push(() => server.kill());
		expect(await server.ready).toBe(false);
		expect(server.lastWords()).toMatch(/fsync is off, must be on/);
	});
}

/** Promises made on a disk that lies, then a power failure, then a start on an honest disk. */
async function loseByLying(marks: MarkPlace) {
	const seed = campaignSeed();
	const machine = await createMachine(marks);
	const { urls, client, reader, authority } = machine.testbed;
	await machine.start();
	await machine.testbed.registerAuthority();
	const options = { urls, client, reader, authority, count: 16 };
	await writeUntil(startWriters({ ...options, seed: `${seed} honest` }), 100);
	await machine.failPower();
	await machine.start(true);
	await writeUntil(startWriters({ ...options, seed: `${seed} lied to` }), 300);
	// Nothing survives by chance: with some of it, the database itself would find the damage and not start.
	const lost = await machine.failPower();
	await machine.start();
	return { machine, lost, judge: createJudge({ urls, client, reader, random: new SeededRandom(seed) }) };
}

async function writeUntil(writers: Writers, acknowledged: number): Promise<void> {
	cleanups.push(() => endWriters(writers));
	await expect.poll(() => writers.counts.acknowledged, { timeout: 60_000 }).toBeGreaterThan(acknowledged);
	await writers.stop();
	expect(writers.violations).toEqual([]);
}

async function endWriters(writers: Writers): Promise<void> {
	writers.abandon();
	await writers.stop();
}

async function createMachine(marks: MarkPlace = 'the same disk'): Promise<Machine> {
	const testbed = await createTestbed();
	cleanups.push(() => testbed.remove());
	// The cluster is made by honest programs and stopped; from then on its disk forgets.
	const maker = await testbed.startDatabase();
	const { cluster } = maker;
	await maker.stop();
	const roots = marks === 'the same disk' ? [cluster, testbed.markFolder] : [cluster];
	const disk = await createForgetfulDisk(roots, testbed.folder);
	let database: Awaited<ReturnType<Testbed['startDatabase']>> | undefined;
	let server: LogServer | undefined;
	const start: Machine['start'] = async (lies = false) => {
		await disk.begin();
		database = await testbed.startDatabase({ binDir: await disk.binDir(lies) });
		server = await testbed.startServer(marks === 'the same disk' ? disk.environment(lies) : {});
		if (!(await server.ready)) throw new Error(`the log process did not start: ${server.lastWords()}`);
	};
	const end = async () => {
		await server?.kill();
		await database?.stop();
	};
	cleanups.push(end);
	return {
		testbed,
		disk,
		start,
		end,
		server: () => server as LogServer,
		failPower: async (random) => {
			if (!database || !server) throw new Error('the machine is not running');
			const { pid } = database;
			const gone = killDatabase({ pid, cluster }, 'all processes', () => pid);
			await Promise.all([gone, server.kill(), database.ended]);
			await database.stop();
			return disk.failPower(random);
		},
	};
}
