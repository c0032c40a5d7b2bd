/** The place of the mark is slow, silent, or down: nothing that it does not stand at is shown. */

import { type Mark, MarkError, type MarkStore } from '@chancery/postgres/mark/mark';
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

/** The same place, seen from far away: what is read was true when it arrived there. */
function slowView(mark: MarkStore): MarkStore {
	return {
		read: async () => {
			await pause(200);
			return mark.read();
		},
		advance: (next) => mark.advance(next),
	};
}

describe('a place of the mark', () => {
	class TroubledMark implements MarkStore {
		state: 'well' | 'slow' | 'silent' | 'down' = 'well';
		mark: Mark | undefined;

		async read(): Promise<Mark | undefined> {
			await this.#trouble();
			return this.mark;
		}

		async advance(mark: Mark): Promise<void> {
			await this.#trouble();
			if (!this.mark || mark.size > this.mark.size) this.mark = mark;
		}

		async #trouble(): Promise<void> {
			if (this.state === 'slow') await pause(150);
			if (this.state === 'silent') await never();
			if (this.state === 'down') throw new MarkError('the bucket is away');
		}
	}

	it('that is slow delays answers and loses none', async () => {
		const mark = new TroubledMark();
		const { log } = await world.open({ mark });
		mark.state = 'slow';
		const pressure = new Pressure(log, 20);
		await pressure.untilAccepted(40);
		await pressure.stop();
		expect(pressure.refused).toBe(0);
		await pressure.judge(world.database);
		expect(mark.mark?.size).toBe((await log.published()).size);
	});

	it('that is slow for one replica is not taken for a database that has gone back', async () => {
		const quick = new TroubledMark();
		const [first, second] = [await world.open({ mark: quick }), await world.open({ mark: slowView(quick) })];
		const pressures = [first, second].map(({ log }, i) => new Pressure(log, 10, `replica ${i}`));
		await Promise.all([pressures[0]!.untilAccepted(100), pressures[1]!.untilAccepted(20)]);
		for (const pressure of pressures) await pressure.stop();
		for (const pressure of pressures) {
			expect([...pressure.diagnoses]).toEqual([]);
			expect(pressure.refused).toBe(0);
			await pressure.judge(world.database);
		}
	});

	it.each([
		['is down', 'down', /the bucket is away/],
		['never answers', 'silent', /the place of the mark did not answer within 500 ms/],
	] as const)('that %s stops the log until it is back', async (_, failure, reason) => {
		const mark = new TroubledMark();
		const { log } = await world.open({ mark, limits: { ...SHORT_LIMITS, maxWaiting: 30 } });
		const pressure = new Pressure(log, 50);
		await pressure.untilAccepted(60);
		mark.state = failure;
		const before = heldBytes();
		await pressure.untilRefused(400);
		await expect.poll(() => log.health().detail, POLLING).toMatch(reason);
		expect(log.health().writable).toBe(false);
		expect(pressure.maxWaiting).toBeLessThanOrEqual(30);
		expect(heldBytes() - before).toBeLessThan(20e6);
		// Nothing that the mark does not stand at is shown meanwhile.
		expect((await log.published()).size).toBeLessThanOrEqual(mark.mark!.size);
		mark.state = 'well';
		await pressure.untilAccepted(50);
		await expect.poll(() => log.health().detail, POLLING).toBe('writable');
		await pressure.stop();
		await pressure.judge(world.database);
		expect(mark.mark?.size).toBe((await log.published()).size);
	});

	it('that never answers does not keep a log from opening or closing', async () => {
		const mark = new TroubledMark();
		mark.state = 'silent';
		const { log, close } = await world.open({ mark, limits: SHORT_LIMITS });
		expect(log.health()).toMatchObject({ writable: false, detail: expect.stringMatching(/did not answer/) });
		await expect(log.submit(textEntry('refused'))).rejects.toMatchObject({ code: 'read-only' });
		mark.state = 'well';
		await expect.poll(() => log.submit(textEntry('taken')).catch(() => undefined), POLLING).toMatchObject({ index: 0 });
		await close();
	});
});
