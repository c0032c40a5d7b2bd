import { describe, expect, it, vi } from 'vitest';
import { Admission } from './admission.ts';

const MINUTE_MS = 60_000;
const ISSUERS = 5;
const LIMITS = { maxRunning: 2, maxWaiting: 3, maxWaitMs: 60_000 };

let strangers = 0;
/** Another identity of another issuer each time. */
const someone = () => ({ issuer: `https://${strangers++}.example`, subject: 'ada' });

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
		const admission = new Admission(LIMITS, ISSUERS);
		const works = Array.from({ length: 5 }, work);
		const begun: number[] = [];
		const running = works.map(({ run }, i) =>
			admission.run(someone(), MINUTE_MS, () => {
				begun.push(i);
				return run();
			}),
		);
		expect(begun).toEqual([0, 1]);
		const refused = await refusalOf(admission.run(someone(), MINUTE_MS, async () => 'never'));
		expect(refused).toMatchObject({ code: 'ca-overloaded' });
		expect(refused.retryAfterSeconds).toBeGreaterThan(0);

		works[1]!.end();
		await running[1];
		expect(begun).toEqual([0, 1, 2]);
		for (const { end } of works) end();
		expect(await Promise.all(running)).toEqual(Array(5).fill('done'));
		expect(begun).toEqual([0, 1, 2, 3, 4]);
		expect(await admission.run(someone(), MINUTE_MS, async () => 'free again')).toBe('free again');
	});

	it('hands a place on when the work of its holder fails', async () => {
		const admission = new Admission({ ...LIMITS, maxRunning: 1 }, ISSUERS);
		const { promise, reject } = Promise.withResolvers<never>();
		const first = refusalOf(admission.run(someone(), MINUTE_MS, () => promise));
		const second = admission.run(someone(), MINUTE_MS, async () => 'second');
		reject(Object.assign(new Error('broken'), { code: 'signer-failed' }));
		expect((await first).code).toBe('signer-failed');
		expect(await second).toBe('second');
	});

	it('keeps nobody longer than the bound, and forgets who was sent away', async () => {
		const admission = new Admission({ maxRunning: 1, maxWaiting: 2, maxWaitMs: 5 }, ISSUERS);
		const holder = work();
		const first = admission.run(someone(), MINUTE_MS, holder.run);
		const waited = await Promise.all(
			[1, 2].map(() => refusalOf(admission.run(someone(), MINUTE_MS, async () => 'late'))),
		);
		expect(waited.map(({ code }) => code)).toEqual(['ca-overloaded', 'ca-overloaded']);
		holder.end();
		await first;
		expect(await admission.run(someone(), MINUTE_MS, async () => 'free again')).toBe('free again');
	});

	it('lets no token wait beyond its end, and says that a repeat needs a new one', async () => {
		const admission = new Admission({ ...LIMITS, maxRunning: 1 }, ISSUERS);
		const holder = work();
		const first = admission.run(someone(), MINUTE_MS, holder.run);
		const refused = await refusalOf(admission.run(someone(), 5, async () => 'late'));
		expect(refused).toMatchObject({ code: 'ca-overloaded' });
		expect(refused.detail).toContain('new token');
		holder.end();
		await first;
	});

	it('begins fewer at once while work is slow, and more again when it is quick', async () => {
		const admission = new Admission({ maxRunning: 32, maxWaiting: 100, maxWaitMs: 60_000 }, ISSUERS);
		const rush = async (ms: number) => {
			let running = 0;
			let most = 0;
			const one = async () => {
				most = Math.max(most, ++running);
				await new Promise((resolve) => setTimeout(resolve, ms));
				running--;
			};
			await Promise.all(Array.from({ length: 64 }, () => admission.run(someone(), MINUTE_MS, one)));
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

describe('shares of the places', () => {
	const MANY = { maxRunning: 64, maxWaiting: 192, maxWaitMs: 60_000 };
	const holder = (issuer: string, subject: string) => ({ issuer: `https://${issuer}.example`, subject });

	/** Asks for each of these at once, with work that lasts until `end`; who begins is noted as `issuer/subject`. */
	function ask(admission: Admission) {
		const begun: string[] = [];
		const refused: string[] = [];
		const ends: (() => void)[] = [];
		return {
			begun,
			refused,
			ask(issuer: string, subject: string, times = 1) {
				for (let i = 0; i < times; i++)
					void admission
						.run(holder(issuer, subject), MINUTE_MS, () => {
							begun.push(`${issuer}/${subject}`);
							return new Promise<void>((resolve) => ends.push(resolve));
						})
						.catch(({ code }: { code: string }) => refused.push(code));
			},
			/** Ends the oldest work, and lets whoever is next begin. */
			async end() {
				ends.shift()?.();
				await new Promise((resolve) => setImmediate(resolve));
			},
			settle: () => new Promise((resolve) => setImmediate(resolve)),
		};
	}

	it('one identity has half of those that run and of those that wait', async () => {
		const places = ask(new Admission(MANY, ISSUERS));
		places.ask('ci', 'mallory', 400);
		await places.settle();
		expect(places.begun).toHaveLength(32);
		expect(places.refused).toEqual(Array(400 - 32 - 96).fill('ca-overloaded'));
		places.ask('ci', 'ada');
		await places.settle();
		expect(places.begun.slice(32)).toEqual(['ci/ada']);
	});

	it('one issuer of several has three quarters, with however many identities', async () => {
		const places = ask(new Admission(MANY, ISSUERS));
		for (let i = 0; i < 400; i++) places.ask('ci', `stranger-${i}`);
		await places.settle();
		expect(places.begun).toHaveLength(48);
		expect(places.refused).toHaveLength(400 - 48 - 144);
		places.ask('company', 'ada');
		await places.settle();
		expect(places.begun.slice(48)).toEqual(['company/ada']);
	});

	it('a single issuer has them all', async () => {
		const places = ask(new Admission(MANY, 1));
		for (let i = 0; i < 400; i++) places.ask('company', `person-${i}`);
		await places.settle();
		expect(places.begun).toHaveLength(64);
		expect(places.refused).toHaveLength(400 - 64 - 192);
	});

	it('several issuers together leave something too', async () => {
		const places = ask(new Admission(MANY, ISSUERS));
		for (let i = 0; i < 400; i++) for (const issuer of ['a', 'b', 'c', 'd']) places.ask(issuer, `stranger-${i}`);
		await places.settle();
		places.ask('company', 'ada');
		await places.settle();
		expect(places.begun.at(-1)).toBe('company/ada');
	});

	it('whoever waits has his turn after one of each other issuer and of each other identity of his own', async () => {
		const places = ask(new Admission({ ...MANY, maxRunning: 1 }, ISSUERS));
		places.ask('ci', 'mallory', 4);
		places.ask('ci', 'eve', 2);
		places.ask('ci', 'bob');
		places.ask('company', 'ada', 2);
		for (let i = 0; i < 9; i++) await places.end();
		expect(places.begun).toEqual([
			'ci/mallory',
			'ci/mallory',
			'company/ada',
			'ci/eve',
			'company/ada',
			'ci/bob',
			'ci/mallory',
			'ci/eve',
			'ci/mallory',
		]);
		expect(places.refused).toEqual([]);
	});

	it('are given back by those who were sent away or whose work failed', async () => {
		const admission = new Admission({ ...MANY, maxWaiting: 2, maxRunning: 1, maxWaitMs: 5 }, ISSUERS);
		const lasting = work();
		const first = admission.run(someone(), MINUTE_MS, lasting.run);
		for (let i = 0; i < 3; i++)
			expect(await refusalOf(admission.run(holder('ci', 'ada'), MINUTE_MS, async () => 'late'))).toMatchObject({
				code: 'ca-overloaded',
				detail: expect.stringContaining('try again'),
			});
		const waits = admission.run(holder('ci', 'ada'), MINUTE_MS, () => Promise.reject(new Error('broken')));
		lasting.end();
		await first;
		await expect(waits).rejects.toThrow('broken');
		expect(await admission.run(holder('ci', 'ada'), MINUTE_MS, async () => 'served')).toBe('served');
	});
});
