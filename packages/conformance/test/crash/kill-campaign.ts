/**
 * The story of the kill campaign: writers write; something is killed at a random instant; it is started again; when all
 * three logs acknowledge new entries the judge looks; and so on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedPostgres } from '@chancery/postgres/embedded/embedded';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import type { LogServer } from './log-server.ts';
import { LOG_NAMES } from './proposals.ts';
import { Violation } from './signed-trees.ts';
import { type DatabaseKill, killDatabase, type Testbed } from './testbed.ts';

export const TARGETS = ['server', 'database', 'both'] as const;
export type Target = (typeof TARGETS)[number];

export interface KillCounts {
	readonly byTarget: Record<Target, number>;
	readonly byDatabaseKill: Record<DatabaseKill, number>;
	/** Of all kills, those that hit what was just starting. */
	duringStart: number;
	/** Starts of the log process that ended by themselves because the database was away. */
	startsGivenUp: number;
	/** From the kill until all three logs have acknowledged an entry that was sent after it. */
	readonly recoverySeconds: number[];
}

/** Writers write for up to this long between a look of the judge and the next kill. */
const LONGEST_CALM_MS = Number(process.env.CRASH_CALM_MS ?? 500);
const START_KILL_PERCENT = 20;
/** A start takes about this long; a kill at a random instant in it. */
const START_MS = 900;
const RECOVER_WITHIN_MS = 180_000;
const PAUSE_MS = 20;

/** What a log process says that ends because it could not reach its database while it started. */
const DATABASE_AWAY = /ECONNREFUSED|ENOENT|ECONNRESET|EPIPE|Connection terminated|57P0|timeout exceeded/;

export class Victims {
	readonly #testbed: Testbed;
	readonly #random: SeededRandom;
	readonly counts: KillCounts = {
		byTarget: { server: 0, database: 0, both: 0 },
		byDatabaseKill: { 'all processes': 0, 'main process': 0, 'one backend': 0 },
		duringStart: 0,
		startsGivenUp: 0,
		recoverySeconds: [],
	};
	#database: EmbeddedPostgres | undefined;
	#server: LogServer | undefined;
	#cluster: string | undefined;
	#isEnding = false;

	constructor(testbed: Testbed, seed: string) {
		this.#testbed = testbed;
		this.#random = new SeededRandom(`${seed} kills`);
	}

	/** All kills so far. */
	get kills(): number {
		const { server, database, both } = this.counts.byTarget;
		return server + database + both;
	}

	get server(): LogServer {
		if (!this.#server) throw new Error('there is no log process');
		return this.#server;
	}

	get database(): EmbeddedPostgres {
		if (!this.#database) throw new Error('there is no database');
		return this.#database;
	}

	/**
	 * Starts what is not running. A log process that finds no database ends; whoever supervises starts it again.
	 * @throws {Violation} when it ends for another reason; whatever a database says that is killed while it starts
	 */
	async start(): Promise<void> {
		this.#database ??= await this.#testbed.startDatabase();
		this.#cluster = this.#database.cluster;
		while (!this.#isEnding && this.#database) {
			const server = this.#server ?? (await this.#testbed.startServer());
			this.#server = server;
			if (await server.ready) return;
			if (this.#server === server) this.#server = undefined;
			if ((await server.ended) === 'signal SIGKILL') return;
			this.counts.startsGivenUp += 1;
			if (!DATABASE_AWAY.test(server.lastWords()))
				throw new Violation(`the log process did not start (${await server.ended}): ${server.lastWords()}`);
			// A kill that hit the database while it started did not know it yet, and left it to us.
			const database = this.#database;
			const hasEnded = database?.ended.then(() => true);
			if (database && (await Promise.race([hasEnded, sleep(PAUSE_MS, false)]))) {
				await database.stop();
				if (this.#database === database) this.#database = undefined;
				return;
			}
		}
	}

	/**
	 * One kill after a random time, everything started again, and new entries acknowledged by all logs. With a chance, what
	 * is starting is killed once more.
	 * @throws {Violation} when that does not succeed in time, or the log process ended although nobody killed it
	 */
	async round(): Promise<void> {
		const random = this.#random;
		await sleep(random.below(LONGEST_CALM_MS + 1));
		if (!this.server.isRunning())
			throw new Violation(`the log process ended by itself (${await this.server.ended}): ${this.server.lastWords()}`);
		const killedAtMs = performance.now();
		await this.#kill();
		while (random.chance(START_KILL_PERCENT)) {
			const starting = this.start().catch((error: unknown) => error);
			await sleep(random.below(START_MS));
			if (await this.#kill()) this.counts.duringStart += 1;
			const failure = await starting;
			if (failure instanceof Violation) throw failure;
		}
		while (!this.#database || !this.#server?.isRunning()) await this.start();
		const recovered = Promise.all(
			LOG_NAMES.map((name) => this.#testbed.reader.ledgers[name].acknowledgedAfter(killedAtMs)),
		);
		const waiting = new AbortController();
		const timeout = sleep(RECOVER_WITHIN_MS, 'late', { signal: waiting.signal }).catch(() => 'in time');
		if ((await Promise.race([recovered, timeout])) === 'late')
			throw new Violation(`no recovery within ${RECOVER_WITHIN_MS} ms: ${this.#server?.lastWords()}`);
		waiting.abort();
		this.counts.recoverySeconds.push((performance.now() - killedAtMs) / 1000);
	}

	async end(): Promise<void> {
		this.#isEnding = true;
		await this.#server?.kill();
		await this.#database?.stop();
		this.#server = undefined;
		this.#database = undefined;
	}

	/** The next of the three in turn. False when there was nothing of it to hit. */
	async #kill(): Promise<boolean> {
		const target = TARGETS[this.kills % TARGETS.length] as Target;
		const how = this.#random.pick<DatabaseKill>(['all processes', 'main process', 'one backend']);
		const server = target === 'database' ? undefined : this.#server;
		const database = target === 'server' ? undefined : this.#database;
		const [hitServer, hitDatabase] = await Promise.all([
			server?.isRunning() ? server.kill().then(() => true) : false,
			this.#cluster !== undefined && target !== 'server' && this.#killDatabase(this.#cluster, database?.pid, how),
		]);
		if (server && this.#server === server) this.#server = undefined;
		if (hitDatabase && database && how !== 'one backend') {
			await database.ended;
			// Lets go of lock and socket folder. A supervisor that dies with its server is what the tests of `up` kill.
			await database.stop();
			if (this.#database === database) this.#database = undefined;
		}
		if (!hitServer && !hitDatabase) return false;
		this.counts.byTarget[target] += 1;
		if (hitDatabase) this.counts.byDatabaseKill[how] += 1;
		return true;
	}

	#killDatabase(cluster: string, pid: number | undefined, how: DatabaseKill): Promise<boolean> {
		return killDatabase({ pid, cluster }, pid === undefined ? 'all processes' : how, (pids) => this.#random.pick(pids));
	}
}
