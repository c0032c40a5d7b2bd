/** Clocks that disagree: nothing is stored with a time that the database does not confirm. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { audit, createWorld, SCHEMA, textEntry, type World } from '../../test/log-world.ts';

const DAY_MS = 86_400_000;

let world: World;
beforeEach(async () => {
	world = await createWorld();
});
afterEach(() => world.end());

async function storedMs(): Promise<number> {
	const [row] = await world.database.query<{ timestamp_ms: number }>(`select timestamp_ms from ${SCHEMA}.tlog_heads`);
	return row!.timestamp_ms;
}

describe('a replica whose clock is not the database’s', () => {
	it.each([
		['a day ahead', DAY_MS, /is 8\d{7} ms ahead of the database's/],
		['three seconds ahead', 3_000, /is [234]\d{3} ms ahead of/],
		['a minute behind', -60_000, /is (59|60)\d{3} ms behind/],
		['a year behind', -365 * DAY_MS, /ms behind/],
	])('%s refuses its own batch, and the others go on', async (_, skew, words) => {
		let skewMs = 0;
		const { log: right } = await world.open();
		const { log: wrong } = await world.open({ clock: () => Date.now() + skewMs });
		await right.submit(textEntry('one'));
		await wrong.submit(textEntry('two'));
		skewMs = skew;
		await expect(wrong.submit(textEntry('three'))).rejects.toMatchObject({
			code: 'clock-skew',
			detail: expect.stringMatching(words),
			retryAfterSeconds: 30,
		});
		expect(wrong.health()).toMatchObject({ writable: false, detail: expect.stringMatching(/^clock-skew: /) });
		expect(await storedMs()).toBeLessThanOrEqual(Date.now());
		await expect(right.submit(textEntry('four'))).resolves.toMatchObject({ duplicate: false });
		expect(right.health().writable).toBe(true);
		skewMs = 0;
		await expect(wrong.submit(textEntry('three'))).resolves.toMatchObject({ duplicate: false });
		expect(wrong.health().detail).toBe('writable');
		expect((await audit(world.database)).leaves).toEqual(['one', 'two', 'four', 'three']);
	});

	it('does not sign the head of an idle log again', async () => {
		const { log: right } = await world.open();
		await right.submit(textEntry('only'));
		const before = await right.published();
		const { log: wrong } = await world.open({ clock: () => Date.now() + DAY_MS, limits: { heartbeatMs: 20 } });
		const stop = new AbortController();
		const beating = wrong.heartbeat.run(stop.signal);
		await expect.poll(() => wrong.health().detail, { timeout: 20_000 }).toMatch(/^clock-skew/);
		await new Promise((resolve) => setTimeout(resolve, 300));
		stop.abort();
		await beating;
		expect(await storedMs()).toBeLessThanOrEqual(Date.now());
		expect((await right.published()).timestampMs).toBe(before.timestampMs);
	});

	it('does not give the first head of a log its time', async () => {
		const { log } = await world.open({ clock: () => Date.now() + DAY_MS });
		expect(log.health()).toMatchObject({ writable: false, detail: expect.stringMatching(/^clock-skew/) });
		expect(await storedMs()).toBe(0);
	});

	it('comes to itself without a submission, when its clock is set right', async () => {
		let skewMs = DAY_MS;
		const { log } = await world.open({ clock: () => Date.now() + skewMs, limits: { heartbeatMs: 40 } });
		const stop = new AbortController();
		const beating = log.heartbeat.run(stop.signal);
		expect(log.health().writable).toBe(false);
		skewMs = 0;
		await expect.poll(() => log.health().detail, { timeout: 20_000 }).toBe('writable');
		stop.abort();
		await beating;
	});

	it('answers reads all the same', async () => {
		const { log: right } = await world.open();
		await right.submit(textEntry('to be read'));
		const { log: wrong } = await world.open({ clock: () => Date.now() - DAY_MS });
		expect(await wrong.published()).toMatchObject({ size: 1 });
		expect(Buffer.from((await wrong.entry(0))!.leaf).toString()).toBe('to be read');
	});
});

it('within the bound no time is stored that is later than the database’s and the bound together', async () => {
	const { log } = await world.open({ clock: () => Date.now() + 900 });
	const { timestampMs } = await log.submit(textEntry('a little ahead'));
	expect(timestampMs).toBeLessThanOrEqual(Date.now() + 1_000);
	await expect(log.submit(textEntry('again'))).resolves.toMatchObject({ duplicate: false });
});
