/**
 * The checks that wait, in an order that is fair between shares: while several shares have checks waiting, each gets the
 * same time, however many the others bring and whatever theirs cost. Within a share the order is that of arrival.
 *
 * (Start-time fair queueing: each share has a clock that its own work advances; the share whose clock is furthest behind
 * is next. A share that was empty starts at the clock of the one served last, so that idleness is no credit.)
 */
import type { Share } from './check-cost.ts';

export interface Queued {
	readonly costMs: number;
	readonly share: Share;
}

export class FairQueue<T extends Queued> {
	readonly #lines = new Map<Share, { clockMs: number; readonly items: T[]; next: number }>();
	#servedMs = 0;
	#size = 0;

	get size(): number {
		return this.#size;
	}

	push(item: T): void {
		let line = this.#lines.get(item.share);
		if (line === undefined) {
			line = { clockMs: 0, items: [], next: 0 };
			this.#lines.set(item.share, line);
		}
		if (line.items.length === 0) line.clockMs = Math.max(line.clockMs, this.#servedMs);
		line.items.push(item);
		this.#size++;
	}

	/** Takes out what is next among the checks of at most `maxCostMs`; of each share only its first is looked at. */
	take(maxCostMs: number = Number.POSITIVE_INFINITY): T | undefined {
		let best: { clockMs: number; readonly items: T[]; next: number } | undefined;
		for (const line of this.#lines.values()) {
			const head = line.items[line.next];
			if (head === undefined || head.costMs > maxCostMs) continue;
			if (best === undefined || line.clockMs < best.clockMs) best = line;
		}
		const item = best?.items[best.next];
		if (best === undefined || item === undefined) return undefined;
		this.#servedMs = best.clockMs;
		best.clockMs += item.costMs;
		best.next++;
		this.#size--;
		// What was taken is cut off now and then: shifting a long array each time would cost more than the checks.
		if (best.next === best.items.length || best.next > 1000) {
			best.items.splice(0, best.next);
			best.next = 0;
		}
		return item;
	}

	/** Takes out every check that costs more than this. */
	removeAbove(costMs: number): T[] {
		const removed: T[] = [];
		for (const line of this.#lines.values()) {
			const waiting = line.items.slice(line.next);
			removed.push(...waiting.filter((item) => item.costMs > costMs));
			line.items.splice(0, line.items.length, ...waiting.filter((item) => item.costMs <= costMs));
			line.next = 0;
		}
		this.#size -= removed.length;
		return removed;
	}
}
