import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { captureLog } from '../../test/captured-log.ts';
import type { Health } from '../service.ts';
import { createReadiness } from './readiness.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const health = (ready: boolean): Health => ({ ready, checks: { log: { ok: ready, detail: 'read-only' } } });

/** A service whose looks are answered when the test says so. */
function slowService() {
	const looks: PromiseWithResolvers<Health>[] = [];
	const captured = captureLog('info');
	const isReady = createReadiness(() => {
		const look = Promise.withResolvers<Health>();
		looks.push(look);
		return look.promise;
	}, captured.logger);
	return { looks, isReady, captured };
}

describe('readiness', () => {
	it('is looked at once for all who ask at the same time, and again a second later', async () => {
		const { looks, isReady } = slowService();
		const asked = Promise.all(Array.from({ length: 1_000 }, () => isReady()));
		looks[0]?.resolve(health(true));
		expect(new Set(await asked)).toEqual(new Set([true]));
		expect(await isReady()).toBe(true);
		vi.advanceTimersByTime(999);
		expect(await isReady()).toBe(true);
		expect(looks).toHaveLength(1);
		vi.advanceTimersByTime(1);
		const later = isReady();
		looks[1]?.resolve(health(false));
		expect(await later).toBe(false);
		expect(looks).toHaveLength(2);
	});

	it('fails when the look fails, and when it hangs, which is then not repeated', async () => {
		const { looks, isReady } = slowService();
		const failing = isReady();
		looks[0]?.reject(new Error('no database'));
		expect(await failing).toBe(false);
		vi.advanceTimersByTime(1_000);
		expect(await isReady()).toBe(false);
		vi.advanceTimersByTime(1_000);
		expect(await isReady()).toBe(false);
		expect(looks).toHaveLength(2);
		looks[1]?.resolve(health(true));
		await looks[1]?.promise;
		await expect.poll(() => isReady()).toBe(true);
	});

	it('tells the log of each change once, and why', async () => {
		const { looks, isReady, captured } = slowService();
		for (const [i, ready] of [true, true, false, false, true].entries()) {
			const asked = isReady();
			looks[i]?.resolve(health(ready));
			await asked;
			vi.advanceTimersByTime(1_000);
		}
		expect(captured.events().map(({ msg, failing }) => [msg, failing])).toEqual([
			['no longer ready', { log: { ok: false, detail: 'read-only' } }],
			['ready again', {}],
		]);
	});
});
