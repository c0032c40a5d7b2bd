/**
 * The campaign's dice: the same choices for the same seed. What the kills hit still depends on the machine's own timing;
 * the seed says what was done, not what it met.
 */
import { createHash } from 'node:crypto';

export class SeededRandom {
	#state: number;

	constructor(seed: string) {
		this.#state = createHash('sha256').update(seed).digest().readUInt32LE(0) || 1;
	}

	/** A whole number from 0 up to, not including, `limit` (xorshift32, Marsaglia 2003). */
	below(limit: number): number {
		this.#state ^= this.#state << 13;
		this.#state ^= this.#state >>> 17;
		this.#state ^= this.#state << 5;
		return (this.#state >>> 0) % limit;
	}

	chance(percent: number): boolean {
		return this.below(100) < percent;
	}

	pick<T>(items: readonly T[]): T {
		const item = items[this.below(items.length)];
		if (item === undefined) throw new RangeError('there is nothing to pick from');
		return item;
	}
}

/** The seed of this run: CRASH_SEED, or one made from the time. */
export function campaignSeed(): string {
	return process.env.CRASH_SEED || `run-${Date.now().toString(36)}`;
}
