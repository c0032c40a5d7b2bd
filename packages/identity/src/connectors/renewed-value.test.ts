import { beforeEach, describe, expect, it } from 'vitest';
import { RenewedValue } from './renewed-value.ts';
import { UpstreamFailure } from './upstream-failure.ts';

const MINUTE = 60_000;
let now: number;
let loads: number;
let isDown: boolean;
let held: Promise<void> | undefined;
let value: RenewedValue<number>;

beforeEach(() => {
	[now, loads, isDown, held] = [1_800_000_000_000, 0, false, undefined];
	value = new RenewedValue(
		async () => {
			loads++;
			await held;
			if (isDown) throw new UpstreamFailure('upstream-unavailable', 'down');
			return loads;
		},
		() => now,
	);
});

describe('what a provider says of itself', () => {
	it('is asked for once by all who wait', async () => {
		let letGo: () => void = () => undefined;
		held = new Promise((resolve) => {
			letGo = resolve;
		});
		const waiting = [value.get(), value.get(), value.get()];
		letGo();
		expect(await Promise.all(waiting)).toEqual([1, 1, 1]);
		expect(await value.get()).toBe(1);
		expect(loads).toBe(1);
	});

	it('is renewed while the old one is used', async () => {
		await value.get();
		now += 11 * MINUTE;
		expect(await value.get()).toBe(1);
		await value.renew();
		expect(await value.get()).toBe(2);
	});

	it('is used for a day at most while the provider fails', async () => {
		await value.get();
		isDown = true;
		now += 23 * 60 * MINUTE;
		expect(await value.get()).toBe(1);
		await value.renew();
		expect(value.isKnown).toBe(true);
		expect(value.failure).toBeInstanceOf(UpstreamFailure);
		now += 2 * 60 * MINUTE;
		await expect(value.get()).rejects.toThrow('down');
	});

	it('is not asked for again within a pause that grows, up to half a minute', async () => {
		isDown = true;
		const pauses: number[] = [];
		for (let attempt = 1; attempt <= 7; attempt++) {
			await expect(value.get()).rejects.toThrow('down');
			expect(loads).toBe(attempt);
			const failure: unknown = await value.get().catch((error: unknown) => error);
			expect(loads).toBe(attempt);
			const pause = (failure as UpstreamFailure).retryAfterSeconds ?? 0;
			pauses.push(pause);
			now += pause * 1000;
		}
		expect(pauses).toEqual([1, 2, 4, 8, 16, 30, 30]);
		isDown = false;
		expect(await value.get()).toBe(8);
		expect(value.failure).toBeUndefined();
	});

	it('is asked for again when the clock was set back', async () => {
		await value.get();
		now -= 25 * 60 * MINUTE;
		expect(await value.get()).toBe(2);
	});
});
