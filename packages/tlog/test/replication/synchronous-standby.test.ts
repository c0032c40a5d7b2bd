/**
 * COMMIT waits for a synchronous standby. Waits that are cut off leave transactions that everyone can read and only the
 * primary has; whatever was answered must be on the standby all the same.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Admitted } from '../../src/entry.ts';
import type { Log } from '../../src/log/log.ts';
import { audit, auditAnswer, SCHEMA, textEntry } from '../log-world.ts';
import { Observer } from './observer.ts';
import { type Replica, ReplicatedWorld, submitAll } from './replicated-world.ts';
import { type ServerPair, until } from './server-pair.ts';

let world: ReplicatedWorld;
let pair: ServerPair;
const observer = new Observer();
const answers: { text: string; answer: Admitted }[] = [];

beforeAll(async () => {
	world = await ReplicatedWorld.start();
	pair = world.pair;
	await pair.requireStandby();
}, 120_000);
afterAll(async () => {
	await observer.end();
	await world.end();
});

/** A submission whose fate can be looked at while it waits. */
class Attempt {
	readonly text: string;
	answer: Admitted | undefined;
	refusal: unknown;
	readonly settled: Promise<void>;

	constructor(log: Log, text: string) {
		this.text = text;
		this.settled = log.submit(textEntry(text)).then(
			(answer) => {
				this.answer = answer;
				answers.push({ text, answer });
			},
			(error: unknown) => {
				this.refusal = error;
			},
		);
	}
}

/** Backends of replicas whose COMMIT waits for the standby. */
async function waitingBackends(): Promise<number[]> {
	const rows = await pair.primary.query<{ pid: number }>(
		`select pid from pg_stat_activity where application_name = 'replica' and wait_event = 'SyncRep'`,
	);
	return rows.map(({ pid }) => pid);
}

async function someoneWaits(): Promise<void> {
	await until('a COMMIT waits for the standby', async () => (await waitingBackends()).length > 0);
}

const sizes = async (table: string) => {
	const rows = await pair.primary.query<{ size: number }>(`select size from ${SCHEMA}.${table}`);
	return rows[0]?.size ?? 0;
};

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Ways a wait for the standby ends without it. */
const CUTS: [how: string, cut: () => Promise<unknown>][] = [
	[
		'is cancelled',
		async () =>
			pair.primary.query('select pg_cancel_backend(pid) from unnest($1::int[]) as pid', [await waitingBackends()]),
	],
	[
		'ends with its connection',
		async () =>
			pair.primary.query('select pg_terminate_backend(pid) from unnest($1::int[]) as pid', [await waitingBackends()]),
	],
	['ends with a restart of the server', () => pair.restartPrimary()],
];

describe.each(CUTS)('when a wait for the standby %s', (how, cut) => {
	let replicas: Replica[];
	beforeAll(async () => {
		replicas = [await world.open({ limits: { submitTimeoutMs: 20_000 } }), await world.open()];
		await submitAll(replicas[0]!.log, `before it ${how}`, 3);
		replicas.forEach(({ log }, i) => {
			observer.watch(`${i} when it ${how}`, log);
		});
	});
	afterAll(async () => {
		for (const replica of replicas) await replica.close();
	});

	/** Published, and shown by each of them: what one has not seen yet it could not make sure of without the standby. */
	async function shownByAll(): Promise<number> {
		const size = await sizes('tlog_published');
		for (const { log } of replicas)
			await until('all replicas show it', async () => (await log.published()).size === size);
		return size;
	}

	it('a batch is answered once it is on the standby, at one index', async () => {
		const before = await shownByAll();
		await pair.cutOff();
		const attempt = new Attempt(replicas[0]!.log, `batch when it ${how}`);
		await someoneWaits();
		await cut();
		// Everyone can read it here, and nobody may say so.
		await until('the batch is stored', async () => (await sizes('tlog_heads')) === before + 1);
		await pause(500);
		expect(attempt).toMatchObject({ answer: undefined, refusal: undefined });
		expect((await replicas[1]!.log.published()).size).toBe(before);
		await pair.rejoin();
		await attempt.settled;
		expect(attempt.answer).toMatchObject({ index: before, duplicate: false });
	});

	it('a publication is shown once it is on the standby, by no replica before', async () => {
		const before = await shownByAll();
		const signing = Promise.withResolvers<void>();
		const third = await world.open({
			hooks: {
				afterSign: async () => {
					if (!isArmed) return;
					isArmed = false;
					await pair.cutOff();
					signing.resolve();
				},
			},
			limits: { submitTimeoutMs: 20_000 },
		});
		let isArmed = true;
		const attempt = new Attempt(third.log, `publication when it ${how}`);
		await signing.promise;
		await someoneWaits();
		await cut();
		await until('the publication is stored', async () => (await sizes('tlog_published')) === before + 1);
		await pause(500);
		expect(attempt).toMatchObject({ answer: undefined, refusal: undefined });
		for (const { log } of replicas) expect((await log.published()).size).toBe(before);
		expect((await world.mark().read())?.size).toBe(before);
		await pair.rejoin();
		await attempt.settled;
		expect(attempt.answer).toMatchObject({ index: before, duplicate: false });
		await until('the others show it', async () => (await replicas[0]!.log.published()).size === before + 1);
		await third.close();
	});
});

it('a client that gives up and asks another replica gets the one index there is', async () => {
	const [a, b] = [
		await world.open({ limits: { submitTimeoutMs: 500 }, pool: { statementTimeoutMs: 700 } }),
		await world.open({ limits: { submitTimeoutMs: 20_000 }, pool: { lockTimeoutMs: 1_000 } }),
	];
	const before = await sizes('tlog_heads');
	await pair.cutOff();
	const first = new Attempt(a.log, 'asked twice');
	await first.settled;
	expect(first.refusal).toMatchObject({ code: 'unavailable', retryAfterSeconds: expect.any(Number) });
	const second = new Attempt(b.log, 'asked twice');
	// The client of the first has left, and its pool has given up on the server: the server has not given up its lock.
	await pause(3_000);
	expect(second).toMatchObject({ answer: undefined, refusal: undefined });
	await pair.rejoin();
	await second.settled;
	expect(second.answer).toMatchObject({ index: before, duplicate: true });
	const third = new Attempt(a.log, 'asked twice');
	await third.settled;
	expect(third.answer).toMatchObject({ index: before, duplicate: true });
	await a.close();
	await b.close();
});

it('a failover under load loses nothing that was answered, and what only the old primary had is stored anew', async () => {
	const replicas = [await world.open(), await world.open()];
	replicas.forEach(({ log }, i) => {
		observer.watch(`${i} at the failover`, log);
	});
	let isOver = false;
	const client = async (n: number) => {
		for (let i = 0; !isOver; i++) {
			const text = `client ${n} entry ${i}`;
			// As any client: again until there is an answer, each time at the next replica.
			for (let tries = 0; ; tries++) {
				const attempt = new Attempt(replicas[(n + tries) % 2]!.log, text);
				await attempt.settled;
				if (attempt.answer) break;
				if (tries > 100) throw new Error(`no answer for ${text}`, { cause: attempt.refusal });
				await pause(50);
			}
		}
	};
	const clients = Array.from({ length: 16 }, (_, n) => client(n));
	await pause(1_500);
	// The last moments of the primary are its own: everyone waits for a standby that does not hear of it any more.
	await pair.cutOff();
	await someoneWaits();
	await pair.primary.query('select pg_cancel_backend(pid) from unnest($1::int[]) as pid', [await waitingBackends()]);
	await pause(300);
	const answeredBefore = answers.length;
	await pair.failOver();
	await until('there are new answers', async () => answers.length > answeredBefore + 50);
	isOver = true;
	await Promise.all(clients);
	await observer.end();

	const { leaves, tree, publishedSize } = await audit(pair.standby);
	expect(new Set(leaves).size).toBe(leaves.length);
	expect(publishedSize).toBe(leaves.length);
	for (const { text, answer } of answers) expect(leaves[answer.index]).toBe(text);
	expect(answers.map(({ answer }) => auditAnswer(answer, tree)).filter(Boolean)).toEqual([]);
	observer.judge(tree);
	expect(observer.complaints).toEqual([]);
	expect(observer.looks).toBeGreaterThan(100);
	// A replica says what its last attempt showed: one that had nothing to do since the failover finds out by trying again.
	for (const { log } of replicas)
		await expect.poll(() => log.health(), { timeout: 20_000 }).toMatchObject({ writable: true });
});
