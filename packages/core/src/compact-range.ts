/**
 * The right edge of a growing tree: the roots of its perfect subtrees, one per set bit of its size, largest first.
 *
 * That is all a log needs in memory to append and to know its root: at most 53 hashes. Size 6 = 0b110 has two: the
 * subtree over leaves 0-3 and the one over leaves 4-5.
 */
import { FormatError } from './format-error.ts';
import { foldRight, HASH_LENGTH, type Hash, hashNode } from './merkle.ts';

/** Receives each perfect subtree when its last leaf arrives: node (level, index) covers 2^level leaves. */
export type VisitNode = (level: number, index: number, hash: Hash) => void;

export class RightEdge {
	#size: number;
	readonly #hashes: Hash[];

	private constructor(size: number, hashes: Hash[]) {
		this.#size = size;
		this.#hashes = hashes;
	}

	/** The edge of a tree without entries. */
	static empty(): RightEdge {
		return new RightEdge(0, []);
	}

	/**
	 * Takes up a stored edge. Throws FormatError when the number or length of the hashes does not fit the size; whether
	 * they are the right ones shows only in `root()`, which the caller compares with the root it knows.
	 */
	static from(size: number, hashes: readonly Hash[]): RightEdge {
		if (!Number.isSafeInteger(size) || size < 0) throw new FormatError('right edge', 'the size is not a safe integer');
		if (hashes.length !== perfectSubtreeCount(size))
			throw new FormatError('right edge', `size ${size} does not have ${hashes.length} subtrees`);
		if (hashes.some((hash) => hash.length !== HASH_LENGTH))
			throw new FormatError('right edge', 'a hash does not have 32 bytes');
		return new RightEdge(size, [...hashes]);
	}

	/** Number of leaves. */
	get size(): number {
		return this.#size;
	}

	/** Roots of the perfect subtrees, largest (leftmost) first. */
	get hashes(): readonly Hash[] {
		return this.#hashes;
	}

	/**
	 * Adds one leaf. `visit` is told of the leaf itself (level 0) and of every subtree that it completes, smallest
	 * first: these are the hashes that never change again.
	 */
	append(leafHash: Hash, visit?: VisitNode): void {
		let hash = leafHash;
		let level = 0;
		let index = this.#size;
		visit?.(level, index, hash);
		// Each set bit at the low end of the size is a waiting left sibling.
		while (index % 2 === 1) {
			hash = hashNode(this.#hashes.pop()!, hash);
			level += 1;
			index = (index - 1) / 2;
			visit?.(level, index, hash);
		}
		this.#hashes.push(hash);
		this.#size += 1;
	}

	/** Root of the whole tree. */
	root(): Hash {
		return foldRight(this.#hashes);
	}

	/** An independent copy, for work that may be thrown away. */
	clone(): RightEdge {
		return new RightEdge(this.#size, [...this.#hashes]);
	}
}

/** Number of set bits; bit operators would cut sizes beyond 2^32. */
function perfectSubtreeCount(size: number): number {
	let count = 0;
	for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
	return count;
}
