import { describe, expect, it, vi } from 'vitest';
import { Admission } from './admission.ts';

const MINUTE_MS = 60_000;
const LIMITS = { maxRunning: 2, maxWaiting: 3, maxWaitMs: 60_000 };

/** Work that lasts until it is told to end. */
function work() {
	const { promise, resolve } = Promise.withResolvers<string>();
	return { run: () => promise, end: () => resolve('done') };
}

const refusalOf = (promise: Promise<unknown>) =>
	promise.then(
		() => ({ code: 'accepted', retryAfterSeconds: 0, detail: '' }),
		(error: { code: string; retryAfterSeconds: number; detail: string }) => error,
	);

describe('admission', () => {
	it('runs what it has places for, lets a few wait, and refuses the rest with a time to come back', async () => {
		const admission = new Admission(LIMITS);
		const works = Array.from({ length: 5 }, work);
		const begun: number[] = [];
		const running = works.map(({ run }, i) =>
			admission.run(MINUTE_MS, () => {
				begun.push(i);
				return run();
			}),
		);
		expect(begun).toEqual([0, 1]);
		const refused = await refusalOf(admission.run(MINUTE_MS, async () => 'never'));
		expect(refused).toMatchObject({ code: 'ca-overloaded' });
		expect(refused.retryAfterSeconds).toBeGreaterThan(0);

		works[1]!.end();
		await running[1];
		expect(begun).toEqual([0, 1, 2]);
		for (const { end } of works) end();
		expect(await Promise.all(running)).toEqual(Array(5).fill('done'));
		expect(begun).toEqual([0, 1, 2, 3, 4]);
		expect(await admission.run(MINUTE_MS, async () => 'free again')).toBe('free again');
	});

	it('hands a place on when the work of its holder fails', async () => {
		const admission = new Admission({ ...LIMITS, maxRunning: 1 });
		const { promise, reject } = Promise.withResolvers<never>();
		const first = refusalOf(admission.run(MINUTE_MS, () => promise));
		const second = admission.run(MINUTE_MS, async () => 'second');
		reject(Object.assign(new Error('broken'), { code: 'signer-failed' }));
		expect((await first).code).toBe('signer-failed');
		expect(await second).toBe('second');
	});

	it('keeps nobody longer than the bound, and forgets who was sent away', async () => {
		const admission = new Admission({ maxRunning: 1, maxWaiting: 2, maxWaitMs: 5 });
		const holder = work();
		const first = admission.run(MINUTE_MS, holder.run);
		const waited = await Promise.all([1, 2].map(() => refusalOf(admission.run(MINUTE_MS, async () => 'late'))));
		expect(waited.map(({ code }) => code)).toEqual(['ca-overloaded', 'ca-overloaded']);
		holder.end();
		await first;
		expect(await admission.run(MINUTE_MS, async () => 'free again')).toBe('free again');
	});

	it('lets no token wait beyond its end, and says that a repeat needs a new one', async () => {
		const admission = new Admission({ ...LIMITS, maxRunning: 1 });
		const holder = work();
		const first = admission.run(MINUTE_MS, holder.run);
		const refused = await refusalOf(admission.run(5, async () => 'late'));
		expect(refused).toMatchObject({ code: 'ca-overloaded' });
		expect(refused.detail).toContain('new token');
		holder.end();
		await first;
	});

	it('begins fewer at once while work is slow, and more again when it is quick', async () => {
		const admission = new Admission({ maxRunning: 32, maxWaiting: 100, maxWaitMs: 60_000 });
		const rush = async (ms: number) => {
			let running = 0;
			let most = 0;
			const one = async () => {
				most = Math.max(most, ++running);
				await new Promise((resolve) => setTimeout(resolve, ms));
				running--;
			};
			await Promise.all(Array.from({ length: 64 }, () => admission.run(MINUTE_MS, one)));
			return most;
		};
		vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
		try {
			const ofRush = async (ms: number) => {
				const most = rush(ms);
				await vi.runAllTimersAsync();
				return most;
			};
			expect(await ofRush(100)).toBe(32);
			expect(await ofRush(5_000)).toBe(32);
			expect(await ofRush(5_000)).toBeLessThan(12);
			await ofRush(10);
			expect(await ofRush(10)).toBe(32);
		} finally {
			vi.useRealTimers();
		}
	});
});
