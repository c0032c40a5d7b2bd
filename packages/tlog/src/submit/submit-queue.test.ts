import { describe, expect, it } from 'vitest';
import { createWorld, signHead, textEntry } from '../../test/log-world.ts';
import type { Admitted } from '../entry.ts';
import { DEFAULT_LIMITS } from '../limits.ts';
import { TlogError } from '../tlog-error.ts';
import { SubmitQueue } from './submit-queue.ts';

const limits = { ...DEFAULT_LIMITS, maxWaiting: 5, maxWaitingBytes: 10_000, submitTimeoutMs: 60 };
const answer = { duplicate: false } as Admitted;

describe('the queue', () => {
	it('holds so many submissions and no more, repeats included', async () => {
		const queue = new SubmitQueue(limits);
		const waiting = ['a', 'a', 'a', 'b', 'c'].map((text) => queue.add(textEntry(text)));
		expect(queue.queued).toBe(3);
		for (const text of ['a', 'd']) {
			const refused = (() => {
				try {
					return queue.add(textEntry(text));
				} catch (error) {
					return error as TlogError;
				}
			})();
			expect(refused).toMatchObject({ code: 'overloaded', detail: expect.stringMatching(/5 is the limit/) });
			expect((refused as TlogError).retryAfterSeconds).toBeGreaterThanOrEqual(1);
		}
		const [a] = queue.take(1);
		queue.answer(a!, answer);
		expect((await Promise.all(waiting.slice(0, 3))).map(({ duplicate }) => duplicate)).toEqual([false, true, true]);
		expect(queue.waiting).toBe(2);
		const again = queue.add(textEntry('d'));
		queue.refuseAll(new TlogError('unavailable', 'closed'));
		const results = await Promise.allSettled([...waiting.slice(3), again]);
		expect(results.every(({ status }) => status === 'rejected')).toBe(true);
		expect(queue.waiting).toBe(0);
	});

	it('holds so many bytes and no more', async () => {
		const queue = new SubmitQueue(limits);
		const first = queue.add({ ...textEntry('a'), byteLength: 9_000 });
		expect(() => queue.add({ ...textEntry('b'), byteLength: 1_001 })).toThrow(/10000 is the limit/);
		// A repeat is held by its first.
		const repeat = queue.add({ ...textEntry('a'), byteLength: 9_000 });
		for (const submission of queue.take(9)) queue.answer(submission, answer);
		await Promise.all([first, repeat]);
		await expect(Promise.race([queue.add({ ...textEntry('b'), byteLength: 10_000 }), 'accepted'])).resolves.toBe(
			'accepted',
		);
		queue.refuseAll(new TlogError('unavailable', 'closed'));
	});

	it('lets go of who has waited too long, and of what nobody waits for', async () => {
		const queue = new SubmitQueue(limits);
		const results = await Promise.allSettled(['a', 'a', 'b'].map((text) => queue.add(textEntry(text))));
		for (const result of results)
			expect(result).toMatchObject({
				status: 'rejected',
				reason: { code: 'unavailable', retryAfterSeconds: expect.any(Number) },
			});
		expect([queue.waiting, queue.queued]).toEqual([0, 0]);
		expect(queue.take(9)).toEqual([]);
	});

	it('gives back what had no room in front of what came later', async () => {
		const queue = new SubmitQueue(limits);
		const waiting = ['a', 'b', 'c'].map((text) => queue.add(textEntry(text)));
		const taken = queue.take(2);
		queue.putBack([taken[1]!]);
		expect(queue.take(9).map(({ key }) => key)).toEqual([taken[1]!.key, expect.any(String)]);
		await Promise.allSettled(waiting);
	});
});

describe('a log under more load than it can carry', () => {
	it('says overloaded, answers what it accepted, and recovers', async () => {
		const world = await createWorld();
		const opened = Promise.withResolvers<void>();
		let held = false;
		const { log } = await world.open({
			signHead: async (head) => {
				if (held) await opened.promise;
				return signHead(head);
			},
			limits: { maxWaiting: 20 },
		});
		held = true;
		const results = Array.from({ length: 50 }, (_, i) => log.submit(textEntry(`load ${i}`)));
		const refused = await Promise.allSettled(results.slice(20));
		expect(refused.every((result) => result.status === 'rejected' && result.reason.code === 'overloaded')).toBe(true);
		expect(log.health().waiting).toBe(20);
		opened.resolve();
		expect(await Promise.all(results.slice(0, 20))).toHaveLength(20);
		expect(log.health().waiting).toBe(0);
		await expect(log.submit(textEntry('load 30'))).resolves.toMatchObject({ duplicate: false });
		await world.end();
	});

	it('stops taking entries in when publication has fallen too far behind', async () => {
		const world = await createWorld();
		let away = false;
		const { log } = await world.open({
			signHead: async (head) => {
				if (away) throw new Error('the key is away');
				return signHead(head);
			},
			limits: { maxUnpublished: 3, submitTimeoutMs: 150 },
		});
		away = true;
		await Promise.allSettled([1, 2, 3].map((i) => log.submit(textEntry(`behind ${i}`))));
		await expect(log.submit(textEntry('one more'))).rejects.toMatchObject({
			code: 'unavailable',
			detail: expect.stringMatching(/publication is behind/),
		});
		expect(await world.database.query('select from engine.tlog_entries')).toHaveLength(3);
		away = false;
		await expect.poll(() => log.health().unpublished, { timeout: 10_000 }).toBe(0);
		// An answer in time is a matter of how busy the machine is; that it is taken in is not.
		await expect
			.poll(async () => (await log.submit(textEntry('one more')).catch(() => undefined))?.index, { timeout: 10_000 })
			.toBe(3);
		await world.end();
	});

	it('splits a batch that is too large, and keeps the order', async () => {
		const world = await createWorld();
		const { log } = await world.open({ limits: { maxBatchBytes: 100, maxBatchEntries: 7 } });
		const answers = await Promise.all(
			Array.from({ length: 40 }, (_, i) => log.submit(textEntry(`${i} ${'x'.repeat(40)}`))),
		);
		expect(answers.map(({ index }) => index)).toEqual(Array.from({ length: 40 }, (_, i) => i));
		await world.end();
	});

	it('refuses new entries once it is closed, and leaves nobody waiting', async () => {
		const world = await createWorld();
		const { log, close } = await world.open();
		const last = log.submit(textEntry('last'));
		await close();
		const [result] = await Promise.allSettled([last]);
		if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'unavailable' });
		await expect(log.submit(textEntry('too late'))).rejects.toMatchObject({ code: 'unavailable' });
		await world.end();
	});
});
