import { describe, expect, it } from 'vitest';
import type { Share } from './check-cost.ts';
import { FairQueue, type Queued } from './fair-queue.ts';

const item = (share: Share, costMs: number, name = '') => ({ share, costMs, name });

function fill<T extends Queued>(...items: readonly T[]): FairQueue<T> {
	const queue = new FairQueue<T>();
	for (const one of items) queue.push(one);
	return queue;
}

function takeAll<T extends Queued>(queue: FairQueue<T>, count = Number.POSITIVE_INFINITY): T[] {
	const taken: T[] = [];
	while (taken.length < count) {
		const next = queue.take();
		if (next === undefined) break;
		taken.push(next);
	}
	return taken;
}

describe('the queue of checks', () => {
	it('gives each share the same time, whatever its checks cost and however many there are', () => {
		const queue = fill(
			...Array.from({ length: 1000 }, () => item('P-521', 4)),
			...Array.from({ length: 5000 }, () => item('RSA-4096', 0.5)),
			...Array.from({ length: 200 }, () => item('P-256', 0.25)),
		);
		const spent = new Map<Share, number>();
		for (const { share, costMs } of takeAll(queue, 300)) spent.set(share, (spent.get(share) ?? 0) + costMs);
		const times = [...spent.values()];
		expect(times).toHaveLength(3);
		expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(4);
	});

	it('keeps the order of arrival within a share', () => {
		const names = Array.from({ length: 3000 }, (_, i) => String(i));
		const queue = fill(...names.map((name) => item('P-256', 1, name)));
		expect(takeAll(queue).map(({ name }) => name)).toEqual(names);
		expect(queue.size).toBe(0);
	});

	it('gives no credit for having been idle', () => {
		const queue = fill(...Array.from({ length: 100 }, () => item('P-256', 1)));
		takeAll(queue, 50);
		for (let i = 0; i < 100; i++) queue.push(item('P-384', 1));
		const next = takeAll(queue, 20).filter(({ share }) => share === 'P-384');
		expect(next.length).toBeGreaterThanOrEqual(9);
		expect(next.length).toBeLessThanOrEqual(11);
	});

	it('passes over what costs too much, and gives it out when asked for', () => {
		const queue = fill(item('P-521', 4, 'dear'), item('P-256', 0.2, 'a'), item('P-256', 0.2, 'b'));
		expect([queue.take(0.5)?.name, queue.take(0.5)?.name, queue.take(0.5)]).toEqual(['a', 'b', undefined]);
		expect(queue.removeAbove(0.5).map(({ name }) => name)).toEqual(['dear']);
		expect(queue.size).toBe(0);
	});

	it('removes what costs too much and leaves the rest in order', () => {
		const queue = fill(item('P-256', 1, 'a'), item('P-256', 9, 'x'), item('P-256', 1, 'b'), item('P-521', 9, 'y'));
		queue.take();
		expect(queue.removeAbove(5).map(({ name }) => name)).toEqual(['x', 'y']);
		expect(takeAll(queue).map(({ name }) => name)).toEqual(['b']);
	});
});
