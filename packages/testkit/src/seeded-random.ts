/** Random choices that are the same in every run, so that a failing input can be found again by its seed. */
import { createHash } from 'node:crypto';

/** xorshift32 (Marsaglia 2003): plenty for making inputs, nothing for making keys. */
export class SeededRandom {
	#state: number;

	/** A text counts as the first four bytes of its SHA-256. */
	constructor(seed: number | string) {
		const state = typeof seed === 'number' ? seed | 0 : createHash('sha256').update(seed).digest().readUInt32LE(0);
		// Zero is the one state that xorshift never leaves.
		this.#state = state || 1;
	}

	/** A whole number from 0 up to, not including, `limit`. */
	below(limit: number): number {
		this.#state ^= this.#state << 13;
		this.#state ^= this.#state >>> 17;
		this.#state ^= this.#state << 5;
		return (this.#state >>> 0) % limit;
	}

	chance(percent: number): boolean {
		return this.below(100) < percent;
	}

	bytes(length: number): Uint8Array {
		return Uint8Array.from({ length }, () => this.below(256));
	}

	/** @throws {RangeError} when there is nothing to pick from */
	pick<T>(items: readonly T[]): T {
		if (items.length === 0) throw new RangeError('there is nothing to pick from');
		return items[this.below(items.length)]!;
	}

	/** A text of so many picks from `pieces`. */
	text(pieces: readonly string[], count: number): string {
		return Array.from({ length: count }, () => this.pick(pieces)).join('');
	}

	/** A copy with one to three small damages: a byte changed, removed, inserted or repeated, the end cut off. */
	mangle(bytes: Uint8Array): Uint8Array {
		let mangled = [...bytes];
		for (let times = 1 + this.below(3); times > 0; times--) {
			const at = this.below(mangled.length + 1);
			switch (this.below(5)) {
				case 0:
					mangled[Math.min(at, Math.max(0, mangled.length - 1))] = this.below(256);
					break;
				case 1:
					mangled.splice(at, 1);
					break;
				case 2:
					mangled.splice(at, 0, this.below(256));
					break;
				case 3:
					mangled.splice(at, 0, ...mangled.slice(at, at + this.below(8)));
					break;
				default:
					mangled = mangled.slice(0, at);
			}
		}
		return Uint8Array.from(mangled);
	}
}
