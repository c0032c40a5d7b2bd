/** A log that carries a time of the future: it waits, or an operator lets it go on, and it stays honest. */
import { openDatabase } from '@chancery/postgres/pool';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { audit, createWorld, IDENTITY, SCHEMA, textEntry, type World } from '../../test/log-world.ts';
import { acceptLead } from './accept-lead.ts';

const DAY_MS = 86_400_000;

let world: World;
beforeEach(async () => {
	world = await createWorld();
});
afterEach(() => world.end());

/** What a version without the comparison, or one host with one wrong clock, leaves behind. */
async function takeEntriesOfTomorrow(leadMs: number): Promise<number> {
	const { log, close } = await world.open({ clock: () => Date.now() + leadMs, drivesBothClocks: true });
	await log.submit(textEntry(`from ${leadMs} ms ahead`));
	const { timestampMs } = await log.published();
	await close();
	return timestampMs;
}

const order = (expectMs: number, clock = Date.now) => ({
	database: world.database,
	schema: SCHEMA,
	identity: IDENTITY,
	clock,
	expectMs,
	reason: 'the clock of the second host was set to tomorrow by hand',
});

describe('a log whose stored time is ahead of the present', () => {
	it('refuses and names both times, until its lead is accepted; running replicas then go on', async () => {
		const { log } = await world.open();
		await log.submit(textEntry('of today'));
		const headMs = await takeEntriesOfTomorrow(DAY_MS);
		const refused = log.submit(textEntry('refused'));
		await expect(refused).rejects.toMatchObject({
			code: 'clock-lead',
			detail: expect.stringContaining(new Date(headMs).toISOString().slice(0, 16)),
		});
		const before = Date.now();
		const lead = await acceptLead(order(headMs));
		expect(lead).toMatchObject({ size: 2, headMs: expect.closeTo(headMs, -2) });
		const first = await log.submit(textEntry('refused'));
		const second = await log.submit(textEntry('another'));
		// Entries carry the time at which they were logged, in order among themselves ...
		expect(first.timestampMs).toBeGreaterThanOrEqual(before);
		expect(second.timestampMs).toBeGreaterThanOrEqual(first.timestampMs);
		expect(second.timestampMs).toBeLessThanOrEqual(Date.now());
		// ... and no tree head has a time before that of an earlier one.
		expect(first.publication.timestampMs).toBeGreaterThan(headMs);
		expect(second.publication.timestampMs).toBeGreaterThan(first.publication.timestampMs);
		expect(log.health()).toMatchObject({
			writable: true,
			detail: expect.stringMatching(/^writable; the time of its tree heads stands at .* an operator accepted at /),
		});
		await audit(world.database);
		const rows = await world.database.query(`select reason, size from ${SCHEMA}.tlog_accepted_leads`);
		expect(rows).toEqual([{ reason: order(0).reason, size: 2 }]);
		await expect(world.database.query(`delete from ${SCHEMA}.tlog_accepted_leads`)).rejects.toMatchObject({
			code: '55000',
		});
	});

	it('signs the head of an idle log again, each time a little later', async () => {
		const headMs = await takeEntriesOfTomorrow(DAY_MS);
		await acceptLead(order(headMs));
		const { log } = await world.open({ limits: { heartbeatMs: 20 } });
		const stop = new AbortController();
		const beating = log.heartbeat.run(stop.signal);
		// A head of the future is not due by its age: a new entry is what publishes, and the head stays of use.
		const { publication } = await log.submit(textEntry('next'));
		expect(publication.timestampMs).toBeGreaterThan(headMs);
		expect(publication.timestampMs - headMs).toBeLessThan(1_000);
		stop.abort();
		await beating;
		await audit(world.database);
	});

	it('is as any other once the present has caught up', async () => {
		let now = Date.now();
		const options = { clock: () => now, drivesBothClocks: true };
		now += DAY_MS;
		const { log } = await world.open(options);
		await log.submit(textEntry('of tomorrow'));
		const headMs = (await log.published()).timestampMs;
		now -= DAY_MS;
		const shared = openDatabase({ url: world.url, applicationName: 'operator', maxConnections: 1, sharesClock: true });
		await acceptLead({ ...order(headMs, () => now), database: shared });
		await log.submit(textEntry('of today'));
		now += DAY_MS + 5_000;
		const { timestampMs } = await log.submit(textEntry('of the day after'));
		expect(timestampMs).toBe(now);
		expect(log.health().detail).toBe('writable');
		// What was accepted then is no acceptance of the next clock that goes wrong.
		now += DAY_MS / 2;
		await log.submit(textEntry('of another wrong clock'));
		now -= DAY_MS / 2;
		await expect(log.submit(textEntry('refused'))).rejects.toMatchObject({ code: 'clock-lead' });
		await shared.close();
		await audit(world.database);
	});

	it('is not helped by an acceptance of a smaller lead', async () => {
		await acceptLead(order(await takeEntriesOfTomorrow(3_600_000)));
		await takeEntriesOfTomorrow(DAY_MS);
		const { log } = await world.open();
		await expect(log.submit(textEntry('refused'))).rejects.toMatchObject({ code: 'clock-lead' });
	});
});

describe('accepting a lead', () => {
	it('refuses when there is none', async () => {
		const { log } = await world.open();
		await log.submit(textEntry('of today'));
		await expect(acceptLead(order(Date.now()))).rejects.toMatchObject({
			code: 'out-of-range',
			detail: expect.stringMatching(/there is no lead to accept/),
		});
	});

	it('refuses another time than the stored one, and names both', async () => {
		const headMs = await takeEntriesOfTomorrow(DAY_MS);
		await expect(acceptLead(order(headMs + 3_600_000))).rejects.toMatchObject({
			code: 'out-of-range',
			detail: expect.stringMatching(/the log's last time is 20.*, expected was 20/),
		});
	});

	it('is not done by a process whose own clock is wrong', async () => {
		const headMs = await takeEntriesOfTomorrow(DAY_MS);
		await expect(acceptLead(order(headMs, () => Date.now() - 3_600_000))).rejects.toMatchObject({ code: 'clock-skew' });
	});
});
