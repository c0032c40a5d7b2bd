/** A clock that steps, and a database that answers slowly or not at all. */
import { openDatabase } from '@chancery/postgres/pool';
import type { Database, Sql } from '@chancery/postgres/sql';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWorld, textEntry, type World } from '../log-world.ts';
import { heldBytes, never, POLLING, Pressure, pause, SHORT_LIMITS } from './pressure.ts';

// Longer than all the patience in a test together: on a busy machine what is waited for takes its time.
vi.setConfig({ testTimeout: 120_000 });

let world: World;
beforeEach(async () => {
	world = await createWorld();
});
afterEach(() => world.end());

describe('a clock', () => {
	it('that steps forward and back together with the database’s stops the log until it has caught up', async () => {
		let stepMs = 0;
		const { log } = await world.open({
			clock: () => Date.now() + stepMs,
			limits: SHORT_LIMITS,
			drivesBothClocks: true,
		});
		const pressure = new Pressure(log, 20);
		await pressure.untilAccepted(40);
		stepMs = 3_600_000;
		await pressure.untilAccepted(40);
		stepMs = 0;
		await pressure.untilRefused(100);
		expect([...pressure.refusals.keys()]).toEqual(['clock-lead']);
		expect(log.health()).toMatchObject({
			writable: false,
			detail: expect.stringMatching(/clock-lead: the log's last time is 3[56]\d{5} ms ahead/),
		});
		stepMs = 3_600_000 + 1_000;
		await pressure.untilAccepted(40);
		await expect.poll(() => log.health().detail, POLLING).toBe('writable');
		// Less than a second is not worth a refusal: the times of the log stand still meanwhile.
		stepMs -= 900;
		const { refused } = pressure;
		await pressure.untilAccepted(40);
		expect(pressure.refused).toBe(refused);
		await pressure.stop();
		// The audit demands that no entry has a time before the one in front of it.
		await pressure.judge(world.database);
	});
});

describe('a database', () => {
	/** Every statement takes so long, as on a server that is busy with something else; `undefined`: for ever. */
	let delayMs: number | undefined = 0;
	const slowed = (sql: Sql): Sql => ({
		query: async (text, values) => {
			await (delayMs === undefined ? never() : delayMs > 0 && pause(delayMs));
			return sql.query(text, values);
		},
	});

	function slow(database: Database): Database {
		return {
			query: slowed(database).query,
			transaction: (work) => database.transaction((sql) => work(slowed(sql))),
			close: () => database.close(),
		};
	}

	it('that answers slowly makes answers late; what is too late is refused, and found by a repeat', async () => {
		const real = openDatabase({ url: world.url, applicationName: 'slow', maxConnections: 4 });
		delayMs = 0;
		const { log, close } = await world.open({ database: slow(real), limits: { ...SHORT_LIMITS, maxWaiting: 30 } });
		const pressure = new Pressure(log, 50);
		await pressure.untilAccepted(60);
		delayMs = 400;
		const before = heldBytes();
		await expect.poll(() => pressure.refusals.get('unavailable') ?? 0, POLLING).toBeGreaterThan(60);
		expect(pressure.refusals.get('overloaded')).toBeGreaterThan(0);
		expect(pressure.maxWaiting).toBeLessThanOrEqual(30);
		expect(heldBytes() - before).toBeLessThan(20e6);
		expect([...pressure.diagnoses].join()).toMatch(/no answer within 1000 ms/);
		delayMs = 0;
		await pressure.untilAccepted(50);
		await expect.poll(() => log.health().detail, POLLING).toBe('writable');
		await pressure.stop();
		await pressure.judge(world.database);
		await close();
	});

	it('that does not answer at all is asked once by all readers together', async () => {
		const { log: writer } = await world.open();
		await writer.submit(textEntry('one'));
		const real = openDatabase({ url: world.url, applicationName: 'silent', maxConnections: 4 });
		let statements = 0;
		const counting: Database = {
			query: (text, values) => {
				statements += 1;
				return slow(real).query(text, values);
			},
			transaction: slow(real).transaction,
			close: () => real.close(),
		};
		delayMs = 0;
		const { log } = await world.open({ database: counting, limits: { refreshMs: 0 } });
		await writer.submit(textEntry('two'));
		delayMs = 200;
		statements = 0;
		const seen = await Promise.all(Array.from({ length: 500 }, () => log.published()));
		expect(new Set(seen.map(({ size }) => size))).toEqual(new Set([2]));
		expect(statements).toBeLessThan(10);
		delayMs = 0;
	});
});
