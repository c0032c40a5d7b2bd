/** The signer is slow, silent, or fails: answers are held up, the process is not. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createWorld, signHead, textEntry, type World } from '../log-world.ts';
import type { SignedHead } from '../statement.ts';
import { heldBytes, never, POLLING, Pressure, pause, SHORT_LIMITS } from './pressure.ts';

// Longer than all the patience in a test together: on a busy machine what is waited for takes its time.
vi.setConfig({ testTimeout: 120_000 });

let world: World;
beforeEach(async () => {
	world = await createWorld();
});
afterEach(() => world.end());

describe('a signer', () => {
	let state: 'well' | 'slow' | 'silent' | 'throws';
	let asked: number;
	const sign = async (head: SignedHead) => {
		asked += 1;
		if (state === 'slow') await pause(2_000);
		if (state === 'silent') await never();
		if (state === 'throws') throw new Error('the key is away');
		return signHead(head);
	};
	beforeEach(() => {
		state = 'well';
		asked = 0;
	});

	it('that answers after 2 s delays answers and loses none', async () => {
		const { log } = await world.open({ signHead: sign });
		state = 'slow';
		const pressure = new Pressure(log, 20);
		await pressure.untilAccepted(20);
		await pressure.stop();
		expect(pressure.refused).toBe(0);
		expect(pressure.maxWaiting).toBeLessThanOrEqual(20);
		await pressure.judge(world.database);
	});

	it.each([
		['never answers', 'silent', /the signer did not answer within 500 ms/],
		['throws', 'throws', /the key is away/],
	] as const)('that %s holds up answers, not the process', async (_, failure, reason) => {
		const limits = { ...SHORT_LIMITS, maxWaiting: 30, maxUnpublished: 60 };
		const { log } = await world.open({ signHead: sign, limits });
		const pressure = new Pressure(log, 50);
		await pressure.untilAccepted(60);
		state = failure;
		const before = { bytes: heldBytes(), asked };
		await pressure.untilRefused(400);
		// One question per attempt, however many wait; and the attempts have pauses between them.
		expect(asked - before.asked).toBeLessThan(40);
		expect(heldBytes() - before.bytes).toBeLessThan(20e6);
		await expect.poll(() => log.health().detail, POLLING).toMatch(reason);
		expect(log.health().writable).toBe(false);
		expect(pressure.maxWaiting).toBeLessThanOrEqual(30);
		// A batch that was under way may go over the bound by what it held.
		expect(pressure.maxUnpublished).toBeLessThanOrEqual(60 + 30);
		expect(pressure.refusals.get('overloaded')).toBeGreaterThan(0);
		// What was published before can be read all the while.
		expect((await log.published()).size).toBeGreaterThan(0);
		state = 'well';
		await pressure.untilAccepted(50);
		await expect.poll(() => log.health().detail, POLLING).toBe('writable');
		await pressure.stop();
		await pressure.judge(world.database);
	});

	it('that never answers does not keep a log from opening or closing', async () => {
		state = 'silent';
		const { log, close } = await world.open({ signHead: sign, limits: SHORT_LIMITS });
		expect(log.health()).toMatchObject({ writable: false, detail: expect.stringMatching(/the signer did not answer/) });
		await close();
		state = 'well';
		const again = await world.open({ signHead: sign, limits: SHORT_LIMITS });
		expect(await again.log.submit(textEntry('after'))).toMatchObject({ index: 0, duplicate: false });
	});

	it('of receipts that never answers leaves no entry without one', async () => {
		let isSilent = true;
		const { log } = await world.open({
			limits: SHORT_LIMITS,
			signReceipt: async ({ index }) => (isSilent ? never() : new TextEncoder().encode(`receipt of ${index}`)),
		});
		await expect(log.submit(textEntry('one'))).rejects.toMatchObject({ code: 'unavailable' });
		expect((await log.published()).size).toBe(0);
		isSilent = false;
		await expect.poll(() => log.health().unpublished, POLLING).toBe(0);
		const { receipt } = await log.submit(textEntry('one'));
		expect(Buffer.from(receipt!).toString()).toBe('receipt of 0');
	});
});
