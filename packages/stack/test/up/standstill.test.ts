/** An instance that is switched off for hours or years and started again, and one whose clock was set back. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import { shiftHeadTime } from '@chancery/tlog/test/interference';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { chancery, makePlace, type Place, readInstance, removePlaces, up } from './instance.ts';
import { checkContinues, type History, readHistory } from './log-history.ts';
import { databaseOf, databaseProcesses, openPorts } from './processes.ts';
import type { Run } from './run.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const LOGS = ['v1', 'v2', 'ctlog'] as const;
const SIGNER = 'archivist@example.com';

// Some start an instance ten times.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });

afterAll(removePlaces);

/** The environment of a process that sees another time than the machine. */
function shiftedBy(shiftMs: number): NodeJS.ProcessEnv {
	const preload = join(import.meta.dirname, 'shifted-clock.ts');
	return { NODE_OPTIONS: `--import=${preload}`, TEST_CLOCK_SHIFT_MS: String(shiftMs) };
}

async function succeed(run: Run): Promise<string> {
	const { code } = await run.ended;
	expect(code, run.stderr).toBe(0);
	return run.stdout;
}

/** A start that must refuse in one line, and leave nothing running. */
async function refusedStart(place: Place, env: NodeJS.ProcessEnv): Promise<string> {
	const run = up(place, [], { env });
	expect({ ...(await run.ended), stdout: run.stdout }).toEqual({ code: 1, signal: null, stdout: '' });
	expect(run.stderr).not.toMatch(/^ +at /m);
	const database = await databaseOf(place);
	if (database) expect(await databaseProcesses(database)).toEqual([]);
	expect(await openPorts(place)).toEqual([]);
	const [line] = /^error: .*$/m.exec(run.stderr) ?? [];
	expect(run.stderr.trimEnd().endsWith(line as string)).toBe(true);
	return line as string;
}

/** The log and the stored time that a refusal names. */
function leadOf(words: string): { log: string; time: string } {
	const named = /^error: the log (v1|v2|ctlog) may not grow: clock-lead: .* \((\S+Z), it is .*accept-lead --log \1'/;
	expect(words).toMatch(named);
	expect(words).not.toContain('adopt-head');
	const [, log, time] = named.exec(words) ?? [];
	return { log: log as string, time: time as string };
}

/** Accepts the lead of each log that a start refuses for, until it starts. Returns which those were. */
async function acceptLeads(place: Place, env: NodeJS.ProcessEnv): Promise<string[]> {
	const accepted: string[] = [];
	for (const _ of LOGS) {
		const { log, time } = leadOf(await refusedStart(place, env));
		const reason = 'the clock was ahead';
		const args = ['log', 'accept-lead', '--data', place.data, '--log', log, '--time', time, '--reason', reason];
		const { log: named, until } = JSON.parse(await succeed(chancery(place, [...args, '--json'], { env })));
		expect(named).toBe(log);
		expect(Math.abs(Date.parse(until) - Date.parse(time))).toBeLessThan(MINUTE_MS);
		accepted.push(log);
	}
	return accepted.toSorted();
}

/** As if the instance had been made an hour ago: its certificates are made again at the next start. */
async function makeOlder({ data }: Place): Promise<void> {
	const path = join(data, 'chancery.json');
	const record = JSON.parse(await readFile(path, 'utf8'));
	await writeFile(path, JSON.stringify({ ...record, createdAt: new Date(Date.now() - HOUR_MS).toISOString() }));
	for (const chain of ['ca-chain.pem', 'tsa-chain.pem']) await rm(join(data, 'keys', chain));
}

describe('an instance that stood still', () => {
	let place: Place;
	let history: History;
	let ageMs = 0;
	/** What a file signed on the first day is verified with. */
	const signed = () => [join(place.base, 'artifact'), '--bundle', join(place.base, 'artifact.sigstore.json')];
	const identity = () => ['--certificate-identity', SIGNER, '--certificate-oidc-issuer-regexp', '.*'];

	/** Starts, finds all that was there before, and that the file of the first day still verifies; stops. */
	async function start(): Promise<string> {
		const env = shiftedBy(ageMs);
		const run = up(place, [], { env });
		await run.ready();
		const instance = await readInstance(place);
		// Trust may grow, and nothing leaves it.
		const trustedRoot = await readFile(instance.trustedRoot, 'utf8');
		for (const kind of ['tlogs', 'ctlogs', 'certificateAuthorities', 'timestampAuthorities'])
			expect(JSON.parse(trustedRoot)[kind]).toEqual(expect.arrayContaining(JSON.parse(history.trustedRoot)[kind]));
		const { age } = await head(instance.services.ctlog!.url);
		expect(age).toBeLessThan(5 * MINUTE_MS);
		history = await checkContinues({ ...history, trustedRoot }, instance);
		await succeed(chancery(place, ['verify-blob', ...signed(), ...identity(), '--data', place.data], { env }));
		expect(await run.stop()).toMatchObject({ code: 0 });
		return run.stderr;
	}

	async function head(ctlog: string): Promise<{ age: number }> {
		const { timestamp } = (await (await fetch(`${ctlog}/ct/v1/get-sth`)).json()) as { timestamp: number };
		return { age: Date.now() + ageMs - timestamp };
	}

	beforeAll(async () => {
		place = await makePlace();
		const run = up(place);
		await run.ready();
		history = await readHistory(await readInstance(place));
		await writeFile(join(place.base, 'artifact'), 'kept for years');
		const token = (await succeed(chancery(place, ['token', '--data', place.data, '--email', SIGNER]))).trim();
		const env = { SIGSTORE_ID_TOKEN: token };
		await succeed(chancery(place, ['sign-blob', ...signed(), '--data', place.data], { env }));
		expect(await run.stop()).toMatchObject({ code: 0 });
	});

	it.each([
		['23 hours', 23 * HOUR_MS],
		['25 hours', 25 * HOUR_MS],
		['40 days', 40 * DAY_MS],
		['400 days', 400 * DAY_MS],
	])('for %s starts at the first try, with all that was there', async (_, standstillMs) => {
		ageMs += standstillMs;
		expect(await start()).not.toMatch(/made new ones/);
	});

	it('for 4 years starts at the first try and says what had ended; old signatures verify, and new ones', async () => {
		ageMs += 4 * 365 * DAY_MS;
		const words = await start();
		expect(words).toMatch(/certificates of the CA ended at 20\d\d-\d\d-\d\d: made new ones .* until 20\d\d-\d\d-\d\d/);
		expect(words).not.toMatch(/timestamp authority ended/);
		expect(await start()).not.toMatch(/made new ones/);
		expect(JSON.parse(history.trustedRoot).certificateAuthorities).toHaveLength(2);
		expect((await readdir(join(place.data, 'keys'))).filter((name) => name.includes('-chain-past-'))).toHaveLength(1);
	});

	it('for 6 years more finds the timestamp authority and the root of the CA ended too, and goes on', async () => {
		ageMs += 6 * 365 * DAY_MS;
		const words = await start();
		expect(words).toMatch(/certificates of the CA ended/);
		expect(words).toMatch(/certificates of the timestamp authority ended/);
		expect(JSON.parse(history.trustedRoot).timestampAuthorities).toHaveLength(2);
	});
});

describe('an instance whose clock is set back', () => {
	let place: Place;
	beforeAll(async () => {
		place = await makePlace();
		await succeed(up(place, ['--once']));
	});

	it('by some minutes is refused, with both times and without advice to overrule the mark', async () => {
		await succeed(up(place, ['--once'], { env: shiftedBy(HOUR_MS) }));
		leadOf(await refusedStart(place, shiftedBy(HOUR_MS - 5 * MINUTE_MS)));
		await succeed(up(place, ['--once'], { env: shiftedBy(HOUR_MS) }));
	});

	it('by a year is refused by its certificates, which begin later, before anything is changed', async () => {
		const words = await refusedStart(place, shiftedBy(-365 * DAY_MS));
		expect(words).toMatch(
			/certificates of the CA in .* begin at 20\S+Z, and it is 20\S+Z: set this machine's clock right/,
		);
		await succeed(up(place, ['--once'], { env: shiftedBy(HOUR_MS) }));
	});

	it('because it was a day ahead goes on when the lead of each log was accepted', async () => {
		await succeed(up(place, ['--once'], { env: shiftedBy(DAY_MS) }));
		const audit = () => succeed(chancery(place, ['log', 'audit', '--data', place.data]));
		expect(await acceptLeads(place, {})).toEqual([...LOGS].toSorted());
		// The timestamp authority comes last: what it gave out cannot be taken back, and is left to the operator.
		const words = await refusedStart(place, {});
		const [, mark] =
			/gives out no time: the clock is 8\d{4} s behind the last token.* remove (\S+\.mark):/.exec(words) ?? [];
		expect(mark, words).toBeDefined();
		await rm(mark!);
		const run = up(place);
		await run.ready();
		const before = await readHistory(await readInstance(place));
		await run.stop();
		await succeed(up(place, ['--once']));
		await audit();
		// Nothing of it is lost, and after a day nobody needs to know.
		const later = up(place, [], { env: shiftedBy(2 * DAY_MS) });
		await later.ready();
		await checkContinues(before, await readInstance(place));
		await later.stop();
		await audit();
	});
});

describe('an instance whose clock was years ahead at one start', () => {
	let place: Place;
	const ahead = { env: shiftedBy(4 * 365 * DAY_MS) };
	const chainOf = (name: string) => readFile(join(place.data, 'keys', name), 'utf8');
	beforeAll(async () => {
		place = await makePlace();
		await succeed(up(place, ['--once']));
	});

	it('goes on under the certificates of before, once what cannot be taken back was accepted', async () => {
		const chain = await chainOf('ca-chain.pem');
		await succeed(up(place, ['--once'], ahead));
		const ofFuture = await chainOf('ca-chain.pem');
		expect(ofFuture).not.toBe(chain);

		expect(await acceptLeads(place, {})).toEqual([...LOGS].toSorted());
		const words = await refusedStart(place, {});
		const [, mark] = /gives out no time: .* remove (\S+\.mark):/.exec(words) ?? [];
		expect(mark, words).toBeDefined();
		await rm(mark!);
		const run = up(place);
		await run.ready();
		const before = await readHistory(await readInstance(place));
		expect(await run.stop()).toMatchObject({ code: 0 });
		expect(await chainOf('ca-chain.pem')).toBe(chain);
		// Both chains stay trusted, and each is named once.
		const { certificateAuthorities } = JSON.parse(before.trustedRoot);
		expect(certificateAuthorities).toHaveLength(2);
		await succeed(chancery(place, ['log', 'audit', '--data', place.data]));

		// When its time comes, the other one is there already.
		const later = up(place, [], ahead);
		await later.ready();
		await checkContinues(before, await readInstance(place));
		expect(await later.stop()).toMatchObject({ code: 0 });
		expect(later.stderr).toMatch(/certificates of the CA ended at \S+: put back earlier ones under the same keys/);
		expect(await chainOf('ca-chain.pem')).toBe(ofFuture);
	});
});

describe('an instance on a database with a clock of its own', () => {
	let place: Place;
	let server: EmbeddedPostgres;
	const on = (shiftMs?: number) => ({
		DATABASE_URL: server.url('elsewhere'),
		...(shiftMs === undefined ? {} : shiftedBy(shiftMs)),
	});
	beforeAll(async () => {
		place = await makePlace();
		// The certificates are an hour old; what else there was is left behind.
		await succeed(up(place, ['--once'], { env: { XDG_STATE_HOME: join(place.base, 'other-state') } }));
		await makeOlder(place);
		// A server that the instance has not started: its clock is its own as far as the instance can know.
		server = await startEmbedded({ dataDir: join(place.base, 'server') });
		await server.createDatabase('elsewhere');
		await succeed(up(place, ['--once'], { env: on() }));
	});
	afterAll(() => server?.stop());

	it.each([
		['a day ahead', DAY_MS, /is 8\d{7} ms ahead of the database's/],
		['a minute behind', -MINUTE_MS, /is (59|60)\d{3} ms behind the database's/],
	])(
		'is refused when its clock is %s, and leaves nothing behind that keeps others from going on',
		async (_, shiftMs, clocks) => {
			const words = await refusedStart(place, on(shiftMs));
			expect(words).toMatch(/may not grow: clock-skew: /);
			expect(words).toMatch(clocks);
			await succeed(up(place, ['--once'], { env: on() }));
		},
	);

	it('that carries a time of tomorrow goes on when the lead was accepted', async () => {
		const database = openDatabase({ url: server.url('elsewhere'), applicationName: 'test', maxConnections: 1 });
		for (const schema of ['log', 'ctlog']) await shiftHeadTime(database, schema, DAY_MS);
		await database.close();
		expect(await acceptLeads(place, on())).toEqual([...LOGS].toSorted());
		await succeed(up(place, ['--once'], { env: on() }));
		await succeed(up(place, ['--once'], { env: on() }));
	});
});
