/**
 * A COMMIT whose outcome nobody knows, from a client's request to the entry in the tree: whatever became of it, the entry
 * has one index and is in the log once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EmbeddedPostgres } from '@chancery/postgres/embedded/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { SeededRandom } from '@chancery/testkit/seeded-random';
import { slowCommits } from '@chancery/tlog/test/interference';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAcknowledgement } from './answers.ts';
import { campaignSeed } from './campaign-seed.ts';
import { type CommitProxy, startCommitProxy, type TransactionKind } from './commit-proxy.ts';
import type { Reply } from './http-client.ts';
import { createJudge } from './judge.ts';
import { type LogServer, startLogServer } from './log-server.ts';
import { createProposer, LOG_NAMES, type LogName, type Proposal, type Wire } from './proposals.ts';
import { say } from './report.ts';
import { type SharedMarkServer, startSharedMarks } from './shared-mark.ts';
import { createTestbed, DATABASE, type Testbed, urlsOf } from './testbed.ts';

const seed = campaignSeed();
const random = new SeededRandom(`${seed} unknown`);
/** A client in a hurry. */
const GIVES_UP_MS = 400;
/** A replica looks once a second whether another one has published. */
const LAG_MS = 5_000;
const TERMINATIONS = Number(process.env.CRASH_TERMINATIONS ?? 40);

const WIRES: readonly Wire[] = ['hashedrekord-v1', 'hashedrekord-v2', 'precertificate'];
const schemaOf = (log: LogName) => (log === 'ct' ? 'ctlog' : 'log');

let testbed: Testbed;
let postgres: EmbeddedPostgres;
let direct: Database;
let proxy: CommitProxy;
let marks: SharedMarkServer;
/** Talks to the database through the proxy. */
let left: LogServer;
let leftUrls: Record<LogName, string>;
/** Another process on the same logs. */
let right: LogServer;
let rightUrls: Record<LogName, string>;
let propose: (wire: Wire) => Proposal;

beforeAll(async () => {
	say(`unknown outcomes: seed ${seed}`);
	testbed = await createTestbed();
	postgres = await testbed.startDatabase();
	direct = openDatabase({ url: postgres.url(DATABASE), applicationName: 'test', maxConnections: 2 });
	proxy = await startCommitProxy(postgres.url(DATABASE));
	marks = await startSharedMarks();
	// The left one answers at the ports of the testbed, so that the testbed's own calls reach it.
	const leftPlan = { ...testbed.plan, name: 'left', databaseUrl: proxy.url, sharedMarkUrl: marks.url };
	left = await startLogServer(leftPlan, testbed.folder);
	expect(await left.ready, left.lastWords()).toBe(true);
	const rightPlan = await testbed.anotherPlan('right', { sharedMarkUrl: marks.url });
	right = await startLogServer(rightPlan, testbed.folder);
	expect(await right.ready, right.lastWords()).toBe(true);
	[leftUrls, rightUrls] = [urlsOf(leftPlan), urlsOf(rightPlan)];
	await testbed.registerAuthority();
	propose = createProposer(seed, testbed.authority);
});
afterAll(async () => {
	await left?.kill();
	await right?.kill();
	await proxy?.close();
	await marks?.close();
	await direct?.close();
	await postgres?.stop();
	await testbed?.remove();
});

/** One submission, without patience when `timeoutMs` says so. A 2xx goes into the ledger. */
async function submit(urls: Record<LogName, string>, proposal: Proposal, timeoutMs?: number): Promise<Reply> {
	const sentAtMs = performance.now();
	const url = `${urls[proposal.log]}${proposal.path}`;
	const reply = await testbed.client.ask(url, {
		body: proposal.body,
		...(timeoutMs === undefined ? {} : { timeoutMs }),
	});
	if (reply.status < 300) readAcknowledgement(testbed.reader, proposal, reply, sentAtMs);
	return reply;
}

/** Everything that was ever promised is kept, and no entry is there twice; asked from both sides. */
async function judgeAll(): Promise<void> {
	for (const urls of [leftUrls, rightUrls]) {
		const judge = createJudge({
			urls,
			client: testbed.client,
			reader: testbed.reader,
			random,
			everything: true,
			lagMs: LAG_MS,
		});
		await judge.look();
	}
}

/** The ledger refuses any difference between two answers for one proposal. */
async function expectSameFromBoth(proposals: readonly Proposal[]): Promise<void> {
	for (const proposal of proposals)
		for (const urls of [leftUrls, rightUrls]) {
			const reply = await submit(urls, proposal);
			expect([200, 201], String(reply.body)).toContain(reply.status);
			if (proposal.log !== 'ct') expect(reply.headers['x-chancery-duplicate']).toBe('true');
		}
}

const KINDS: readonly TransactionKind[] = ['batch', 'publication'];
const table = WIRES.flatMap((wire) => KINDS.map((kind) => ({ wire, kind })));

describe.each(table)('$wire: the connection is lost at the COMMIT of a $kind', ({ wire, kind }) => {
	it.each([
		['before the server got it', false],
		['after the server executed it, before its answer', true],
	])('%s: the waiting clients get one index each', async (_when, isExecuted) => {
		const proposals = Array.from({ length: 24 }, () => propose(wire));
		const [{ log }] = proposals as [Proposal];
		const holding = proxy.holdNext(schemaOf(log), kind);
		const answers = proposals.map((proposal) => submit(leftUrls, proposal));
		const held = await holding;
		if (isExecuted) expect(await held.passSilently()).toBe('COMMIT');
		held.cut();
		for (const reply of await Promise.all(answers)) {
			expect([200, 201], String(reply.body)).toContain(reply.status);
			// Nobody else sent it: what the lost COMMIT stored is the first, not a repeat.
			expect(reply.headers['x-chancery-duplicate']).toBeUndefined();
		}
		await expectSameFromBoth(proposals.slice(0, 3));
		await judgeAll();
	});
});

describe('the backend is terminated', () => {
	const terminate = (pid: number) => direct.query('select pg_terminate_backend($1::integer)', [pid]);

	it.each(WIRES)('%s: before COMMIT arrives', async (wire) => {
		const proposal = propose(wire);
		const holding = proxy.holdNext(schemaOf(proposal.log), 'batch');
		const answer = submit(leftUrls, proposal);
		const held = await holding;
		await terminate(held.pid);
		held.pass();
		expect([200, 201]).toContain((await answer).status);
		await expectSameFromBoth([proposal]);
		await judgeAll();
	});

	it.each(WIRES)('%s: while COMMIT works, before it has stored anything', async (wire) => {
		const proposal = propose(wire);
		const schema = schemaOf(proposal.log);
		// Work that COMMIT does before it writes its record, long enough to be met.
		await slowCommits(direct, schema, { functionName: 'slow_commit', seconds: 5 });
		const holding = proxy.holdNext(schema, 'batch');
		const answer = submit(leftUrls, proposal);
		const held = await holding;
		held.pass();
		await expect
			.poll(() =>
				direct.query('select 1 from pg_stat_activity where pid = $1 and wait_event = $2', [held.pid, 'PgSleep']),
			)
			.toHaveLength(1);
		await terminate(held.pid);
		// While the trigger is there nothing can be changed about the table that a writer holds: take it away in between.
		await expect
			.poll(
				async () => {
					await direct
						.query(`set lock_timeout = '200ms'; drop function ${schema}.slow_commit() cascade`)
						.catch(() => undefined);
					return direct.query(`select 1 from pg_proc where proname = 'slow_commit'`);
				},
				{ timeout: 60_000 },
			)
			.toHaveLength(0);
		expect([200, 201, 503]).toContain((await answer).status);
		await expect.poll(async () => (await submit(leftUrls, proposal)).status, { timeout: 30_000 }).toBeLessThan(300);
		await expectSameFromBoth([proposal]);
		await judgeAll();
	});

	it(`at random instants around COMMIT, ${TERMINATIONS} times`, async () => {
		const outcomes = { COMMIT: 0, lost: 0 };
		for (let i = 0; i < TERMINATIONS; i++) {
			const proposals = Array.from({ length: 4 }, () => propose(random.pick(WIRES)));
			const { log } = random.pick(proposals);
			const holding = proxy.holdNext(schemaOf(log), random.pick(KINDS));
			const answers = proposals.map((proposal) => submit(leftUrls, proposal));
			const held = await holding;
			const terminated = random.chance(60) ? terminate(held.pid) : undefined;
			if (random.chance(60)) await sleep(random.below(4));
			const answered = held.passSilently();
			await (terminated ?? terminate(held.pid));
			outcomes[await answered] += 1;
			held.cut();
			for (const reply of await Promise.all(answers)) expect([200, 201]).toContain(reply.status);
			await expectSameFromBoth(proposals.slice(0, 1));
		}
		say(`terminated around COMMIT: ${outcomes.COMMIT} answered by the server, ${outcomes.lost} without an answer`);
		await judgeAll();
	});
});

describe.each(table)('$wire: a client gives up on one replica during a $kind and goes to another', ({ wire, kind }) => {
	const fates = {
		'executed, and nobody hears of it': async (held: Awaited<ReturnType<CommitProxy['holdNext']>>) => {
			expect(await held.passSilently()).toBe('COMMIT');
			return () => held.cut();
		},
		'lost while the other replica waits': async (held: Awaited<ReturnType<CommitProxy['holdNext']>>) => () =>
			held.cut(),
		'executed while the other replica waits': async (held: Awaited<ReturnType<CommitProxy['holdNext']>>) => () =>
			held.pass(),
	};
	it.each(Object.entries(fates))('COMMIT is %s', async (_fate, meet) => {
		const proposals = Array.from({ length: 8 }, () => propose(wire));
		const [{ log }] = proposals as [Proposal];
		const holding = proxy.holdNext(schemaOf(log), kind);
		const first = proposals.map((proposal) =>
			submit(leftUrls, proposal, GIVES_UP_MS).then(
				() => 'answered',
				() => 'gave up',
			),
		);
		const held = await holding;
		const finish = await meet(held);
		expect(await Promise.all(first)).toEqual(proposals.map(() => 'gave up'));
		const second = proposals.map((proposal) => submit(rightUrls, proposal));
		await sleep(random.below(300));
		finish();
		for (const reply of await Promise.all(second)) expect([200, 201], String(reply.body)).toContain(reply.status);
		await expectSameFromBoth(proposals);
		await judgeAll();
	});
});

it('leaves nothing behind that either replica would not show: the mark stands at what both publish', async () => {
	await judgeAll();
	for (const name of LOG_NAMES) {
		const seen = testbed.reader.ledgers[name].largest;
		expect(marks.sizeOf(name)).toBeGreaterThanOrEqual(seen);
	}
});
