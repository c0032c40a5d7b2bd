/**
 * `chancery serve --processes 2` and 3, as an operator runs them, under writers over HTTP on all three logs: single processes
 * killed, stopped for a while or ended in order, the supervisor killed, all killed, and started again with 2 or 3.
 * CRASH_SERVE_KILLS signals (120 unless set), CRASH_SERVE_WRITERS writers (48), CRASH_SEED to repeat the choices.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileMark } from '@chancery/postgres/mark/file-mark';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { afterEach, expect, it } from 'vitest';
import { campaignSeed } from './campaign-seed.ts';
import { watchHeads } from './head-watcher.ts';
import { createJudge } from './judge.ts';
import { LOG_NAMES } from './proposals.ts';
import { quantiles, say } from './report.ts';
import { prepare, ServeCommand, send, writeConfiguration } from './serve-command.ts';
import { Violation } from './signed-trees.ts';
import { createTestbed } from './testbed.ts';
import { startWriters } from './writers.ts';

const KILLS = Number(process.env.CRASH_SERVE_KILLS ?? 120);
const WRITERS = Number(process.env.CRASH_SERVE_WRITERS ?? 48);
/** The judge reads everything that is new, and waits for the slowest process to have looked: not after every kill. */
const LOOK_EVERY = 3;
const LONGEST_CALM_MS = 800;
const START_KILL_PERCENT = 15;
const START_MS = 2_000;
/** Beyond the four seconds after which the others say that they wait for somebody. */
const LONGEST_STOP_MS = 7_000;
const RECOVER_WITHIN_MS = 180_000;
/** One process may not have looked yet what another has published. */
const LAG_MS = 3_000;

/** What is done. Each comes once, in this order, before any comes again. */
const KINDS = [
	'one process',
	'supervisor',
	'all',
	'all processes',
	'one process stopped',
	'one process ended',
	'ended',
] as const;
type Kind = (typeof KINDS)[number];

const cleanups: (() => Promise<unknown>)[] = [];
const defer = (clean: () => Promise<unknown>) => void cleanups.push(clean);
afterEach(async () => {
	for (const clean of cleanups.splice(0).reverse()) await clean();
});

it(`loses, doubles and forks nothing that it acknowledged, through ${KILLS} signals to its processes`, async () => {
	const seed = campaignSeed();
	const random = new SeededRandom(`${seed} serve`);
	const startedAtMs = performance.now();
	const testbed = await createTestbed();
	defer(() => testbed.remove());
	const { client, reader, authority, urls, folder, markFolder } = testbed;
	const database = await testbed.startDatabase();
	defer(() => database.stop());
	const configuration = await writeConfiguration(testbed.plan, folder);
	await prepare(configuration);

	let command: ServeCommand | undefined;
	defer(async () => command?.killAll());
	/** One that is killed while it starts is started again, as whatever runs a service does. */
	const start = async (): Promise<ServeCommand> => {
		for (;;) {
			command = new ServeCommand(configuration, random.chance(50) ? 2 : 3, join(folder, 'compile-cache'));
			while (random.chance(START_KILL_PERCENT)) {
				await sleep(random.below(START_MS));
				const workers = command.workers();
				if (workers.length > 0) send(random.pick(workers), 'SIGKILL');
				counts['while starting'] += 1;
			}
			if (await command.ready()) return command;
			// The first of its processes was killed before it listened: that ends the whole.
			if ((await command.ended) !== 'exit code 1') throw new Violation(`no start: ${command.lastWords()}`);
		}
	};
	const counts: Record<Kind | 'while starting', number> = {
		...(Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>),
		'while starting': 0,
	};
	let running = await start();
	await testbed.registerAuthority();
	const writers = startWriters({ urls, client, reader, authority, seed, count: WRITERS });
	defer(async () => writers.abandon());
	const watcher = watchHeads(urls, reader);
	defer(() => watcher.stop());
	const noViolation = () => {
		expect(writers.violations).toEqual([]);
		if (watcher.violation) throw watcher.violation;
	};

	const acts: Record<Kind, () => Promise<void>> = {
		'one process': async () => void send(random.pick(running.workers()), 'SIGKILL'),
		'all processes': async () => running.workers().forEach((worker) => void send(worker, 'SIGKILL')),
		'one process stopped': async () => {
			const worker = random.pick(running.workers());
			send(worker, 'SIGSTOP');
			await sleep(random.below(LONGEST_STOP_MS));
			send(worker, 'SIGCONT');
		},
		'one process ended': async () => void send(random.pick(running.workers()), 'SIGTERM'),
		supervisor: () => running.killSupervisor(),
		all: () => running.killAll(),
		ended: async () => {
			running.signal('SIGTERM');
			const end = await running.ended;
			// A process that was killed just before has not ended in order.
			if (end !== 'exit code 0' && end !== 'exit code 1')
				throw new Violation(`ended with ${end}: ${running.lastWords()}`);
		},
	};
	/** Everything that anybody was shown is covered by the marks: they were written first. */
	const checkMarks = async () => {
		for (const name of LOG_NAMES) {
			const { largest } = reader.ledgers[name];
			const mark = await readFileMark(join(markFolder, `${name}.mark`));
			if ((mark?.size ?? 0) < largest)
				throw new Violation(`${name}: ${largest} entries were shown, the mark stands at ${mark?.size}`);
		}
	};

	const recoverySeconds: number[] = [];
	/** Of each kind: until as many processes run as before, and until all logs acknowledge, the longest of each. */
	const slowest: Partial<Record<Kind, readonly [whole: number, acknowledged: number]>> = {};
	const judge = createJudge({ urls, client, reader, random: new SeededRandom(`${seed} judge`), lagMs: LAG_MS });
	const order = [...KINDS];
	for (let kills = 0; kills < KILLS; kills++) {
		await sleep(random.below(LONGEST_CALM_MS));
		if (running.hasEnded) throw new Violation(`it ended by itself (${await running.ended}): ${running.lastWords()}`);
		await running.whole();
		const kind = order.shift() ?? random.pick(KINDS);
		const actedAtMs = performance.now();
		await acts[kind]();
		counts[kind] += 1;
		await checkMarks();
		if (kind === 'supervisor' || kind === 'all' || kind === 'ended') running = await start();
		await running.whole();
		const wholeSeconds = (performance.now() - actedAtMs) / 1000;
		const recovered = Promise.all(LOG_NAMES.map((name) => reader.ledgers[name].acknowledgedAfter(actedAtMs)));
		const late = sleep(RECOVER_WITHIN_MS, 'late', { ref: false });
		if ((await Promise.race([recovered, late])) === 'late')
			throw new Violation(`no recovery after '${kind}': ${running.lastWords()}`);
		const seconds = (performance.now() - actedAtMs) / 1000;
		recoverySeconds.push(seconds);
		const [whole, acknowledged] = slowest[kind] ?? [0, 0];
		slowest[kind] = [Math.max(whole, wholeSeconds), Math.max(acknowledged, seconds)];
		noViolation();
		if (kills % LOOK_EVERY !== LOOK_EVERY - 1) continue;
		writers.hold();
		await judge.look();
		writers.goOn();
		await checkMarks();
		noViolation();
	}
	await writers.stop();
	await watcher.stop();
	noViolation();

	// Once more from the first entry on, by a judge who knows nothing.
	const last = createJudge({
		urls,
		client,
		reader,
		random: new SeededRandom(`${seed} last`),
		everything: true,
		lagMs: LAG_MS,
	});
	await last.look();
	await checkMarks();
	for (const name of LOG_NAMES)
		expect((await readFileMark(join(markFolder, `${name}.mark`)))?.size).toBe(last.sizes[name]);
	const list = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
	const times = Object.entries(slowest).map(
		([kind, [whole, acknowledged]]) => `${kind} ${whole.toFixed(1)}/${acknowledged.toFixed(1)} s`,
	);
	say(
		`chancery serve --processes 2 and 3: ${KILLS} signals (${list.join(', ')}), ${writers.counts.acknowledged} acknowledgements, ${watcher.heads} heads watched, entries ${JSON.stringify(last.sizes)}, recovery ${quantiles(recoverySeconds)} (longest until whole/until acknowledged: ${times.join(', ')}), ${Math.round((performance.now() - startedAtMs) / 1000)} s (seed ${seed})`,
	);
});
