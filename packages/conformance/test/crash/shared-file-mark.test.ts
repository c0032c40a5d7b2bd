/**
 * Three log processes of one host over one database, with one file mark per log, killed at random while writers write to all
 * of them. CRASH_SHARED_KILLS kills (20 unless set), CRASH_SHARED_WRITERS writers (48), CRASH_SEED to repeat the choices.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileMark } from '@chancery/postgres/mark/file-mark';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { afterEach, expect, it } from 'vitest';
import { campaignSeed } from './campaign-seed.ts';
import { createJudge } from './judge.ts';
import { type LogServer, startLogServer } from './log-server.ts';
import type { ProcessPlan } from './process-plan.ts';
import { LOG_NAMES } from './proposals.ts';
import { quantiles, say } from './report.ts';
import { Violation } from './signed-trees.ts';
import { createTestbed, urlsOf } from './testbed.ts';
import { startWriters } from './writers.ts';

const KILLS = Number(process.env.CRASH_SHARED_KILLS ?? 20);
const WRITERS = Number(process.env.CRASH_SHARED_WRITERS ?? 48);
const PROCESSES = 3;
const LONGEST_CALM_MS = 800;
/** A kill in the middle of a start, of all at once, or of one. */
const START_KILL_PERCENT = 20;
const ALL_PERCENT = 15;
const START_MS = 900;
const RECOVER_WITHIN_MS = 180_000;
/** One process may not have looked yet what another has published. */
const LAG_MS = 3_000;

const cleanups: (() => Promise<unknown>)[] = [];
const defer = (clean: () => Promise<unknown>) => void cleanups.push(clean);
afterEach(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

it(`lose, double and fork nothing that one of them acknowledged, through ${KILLS} kills`, async () => {
	const seed = campaignSeed();
	const random = new SeededRandom(`${seed} shared file`);
	const testbed = await createTestbed();
	defer(() => testbed.remove());
	const { client, reader, authority, folder, markFolder } = testbed;
	const database = await testbed.startDatabase();
	defer(() => database.stop());
	const plans: ProcessPlan[] = [testbed.plan];
	for (let number = 1; number < PROCESSES; number++) plans.push(await testbed.anotherPlan(`process-${number}`, {}));
	const servers: LogServer[] = [];
	defer(() => Promise.all(servers.map((server) => server.kill())));
	const begin = async (number: number) => {
		servers[number] = await startLogServer(plans[number] as ProcessPlan, folder);
		return servers[number];
	};
	const start = async (number: number) => {
		const server = await begin(number);
		if (!(await server.ready)) throw new Violation(`a log process did not start: ${server.lastWords()}`);
	};
	await Promise.all([...plans.keys()].map(start));
	await testbed.registerAuthority();
	const writers = plans.map((plan, number) =>
		startWriters({
			urls: urlsOf(plan),
			client,
			reader,
			authority,
			seed: `${seed} ${number}`,
			count: Math.ceil(WRITERS / PROCESSES),
		}),
	);
	defer(async () => writers.forEach((one) => void one.abandon()));
	const noViolation = () => expect(writers.flatMap((one) => one.violations)).toEqual([]);

	const recoverySeconds: number[] = [];
	let kills = 0;
	let looks = 0;
	const judges = plans.map((plan, number) =>
		createJudge({
			urls: urlsOf(plan),
			client,
			reader,
			random: new SeededRandom(`${seed} judge ${number}`),
			lagMs: LAG_MS,
		}),
	);
	while (kills < KILLS) {
		await sleep(random.below(LONGEST_CALM_MS));
		const victims = random.chance(ALL_PERCENT) ? [...plans.keys()] : [random.below(PROCESSES)];
		const killedAtMs = performance.now();
		await Promise.all(victims.map((victim) => servers[victim]?.kill()));
		kills += victims.length;
		for (const victim of victims) {
			while (random.chance(START_KILL_PERCENT)) {
				const starting = await begin(victim);
				await sleep(random.below(START_MS));
				await starting.kill();
				kills += 1;
			}
		}
		await Promise.all(victims.map(start));
		const recovered = Promise.all(LOG_NAMES.map((name) => reader.ledgers[name].acknowledgedAfter(killedAtMs)));
		const late = sleep(RECOVER_WITHIN_MS, 'late', { ref: false });
		if ((await Promise.race([recovered, late])) === 'late')
			throw new Violation(`no recovery: ${servers.map((server) => server.lastWords()).join('\n')}`);
		recoverySeconds.push((performance.now() - killedAtMs) / 1000);
		noViolation();
		for (const one of writers) one.hold();
		// Every process in turn is the one that is asked: all of them show the same logs.
		await judges[looks++ % PROCESSES]?.look();
		for (const one of writers) one.goOn();
		noViolation();
	}
	await Promise.all(writers.map((one) => one.stop()));
	noViolation();

	// Once more from the first entry on, by judges who know nothing, through each process.
	const sizes: Record<string, number>[] = [];
	for (const [number, plan] of plans.entries()) {
		const last = createJudge({
			urls: urlsOf(plan),
			client,
			reader,
			random: new SeededRandom(`${seed} last ${number}`),
			everything: true,
			lagMs: LAG_MS,
		});
		await last.look();
		sizes.push({ ...last.sizes });
	}
	for (const size of sizes) expect(size).toEqual(sizes[0]);
	// The mark of each log stands at what is published, whoever wrote it last.
	for (const name of LOG_NAMES)
		expect((await readFileMark(join(markFolder, `${name}.mark`)))?.size).toBe(sizes[0]?.[name]);
	const acknowledged = writers.reduce((sum, one) => sum + one.counts.acknowledged, 0);
	say(
		`${PROCESSES} processes, one file mark per log: ${kills} kills, ${looks} looks, ${acknowledged} acknowledgements, entries ${JSON.stringify(sizes[0])}, recovery ${quantiles(recoverySeconds)} (seed ${seed})`,
	);
});
