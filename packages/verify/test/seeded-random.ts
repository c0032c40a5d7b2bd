/** Random numbers that are the same in every run, so that a failing input can be found again by its seed. */

/** xorshift32 (Marsaglia 2003): good for making inputs, useless for making keys. */
export class SeededRandom {
	#state: number;

	constructor(seed: number) {
		this.#state = seed | 0 || 1;
	}

	/** A whole number from 0 up to, not including, `limit`. */
	below(limit: number): number {
		this.#state ^= this.#state << 13;
		this.#state ^= this.#state >>> 17;
		this.#state ^= this.#state << 5;
		return (this.#state >>> 0) % limit;
	}

	pick<T>(items: readonly T[]): T {
		return items[this.below(items.length)]!;
	}

	/** A JSON value of at most `depth` levels, made of what parsers stumble over. */
	json(depth: number): unknown {
		const scalars = [
			null,
			true,
			0,
			-1,
			1.5,
			2 ** 53,
			'',
			'x',
			'AAAA',
			'!',
			'0',
			'-1',
			'9'.repeat(30),
			'\ud800',
			'\u0000',
		];
		if (depth === 0 || this.below(3) === 0) return this.pick(scalars);
		const items = Array.from({ length: this.below(4) }, () => this.json(depth - 1));
		if (this.below(2) === 0) return items;
		return Object.fromEntries(
			items.map((item) => [this.pick(['rawBytes', 'sig', '__proto__', 'constructor', 'a']), item]),
		);
	}
}
