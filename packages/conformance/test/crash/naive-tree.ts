/**
 * The judge's Merkle tree (RFC 6962 section 2.1), from node:crypto alone: nothing of the engine's arithmetic is in here.
 *
 * It is written for being right at a glance: every complete subtree is kept, and the root of any size is put together
 * from the largest complete subtrees of that size, as the RFC's recursive definition says.
 */
import { createHash } from 'node:crypto';

const EMPTY_ROOT = createHash('sha256').digest();

export function leafHashOf(leaf: Uint8Array): Buffer {
	return createHash('sha256').update(Uint8Array.of(0)).update(leaf).digest();
}

export function nodeHashOf(left: Uint8Array, right: Uint8Array): Buffer {
	return createHash('sha256').update(Uint8Array.of(1)).update(left).update(right).digest();
}

export class NaiveTree {
	/** `#levels[k][i]` is the hash of the leaves [i * 2^k, (i + 1) * 2^k). */
	readonly #levels: Buffer[][] = [[]];

	get size(): number {
		return this.#levels[0]?.length ?? 0;
	}

	append(leafHash: Buffer): void {
		let hash = leafHash;
		for (let level = 0; ; level++) {
			this.#levels[level] ??= [];
			const row = this.#levels[level] as Buffer[];
			row.push(hash);
			if (row.length % 2 === 1) return;
			hash = nodeHashOf(row[row.length - 2] as Buffer, hash);
		}
	}

	/** Hash of the complete subtree `index` of 2^level leaves. */
	complete(level: number, index: number): Buffer {
		const hash = this.#levels[level]?.[index];
		if (!hash) throw new RangeError(`there is no complete subtree ${index} at level ${level}`);
		return hash;
	}

	leaf(index: number): Buffer {
		return this.complete(0, index);
	}

	/** MTH of the first `size` leaves. */
	rootAt(size: number): Buffer {
		if (size > this.size) throw new RangeError(`the tree has ${this.size} leaves, not ${size}`);
		if (size === 0) return EMPTY_ROOT;
		return this.#hashOf(0, size);
	}

	/** MTH(D[begin:end]); `begin` is always at the start of a subtree as large as what follows. */
	#hashOf(begin: number, end: number): Buffer {
		const count = end - begin;
		const level = Math.floor(Math.log2(count));
		const half = 2 ** level;
		if (half === count) return this.complete(level, begin / half);
		return nodeHashOf(this.complete(level, begin / half), this.#hashOf(begin + half, end));
	}
}

export interface InclusionClaim {
	readonly index: number;
	readonly size: number;
	readonly leafHash: Uint8Array;
	readonly root: Uint8Array;
	readonly proof: readonly Uint8Array[];
}

/** Whether the audit path leads from the leaf to the root (RFC 9162 section 2.1.3.2). */
export function isIncluded({ index, size, leafHash, root, proof }: InclusionClaim): boolean {
	if (index < 0 || index >= size) return false;
	let position = index;
	let last = size - 1;
	let hash: Buffer = Buffer.from(leafHash);
	for (const sibling of proof) {
		if (last === 0) return false;
		if (position % 2 === 1 || position === last) {
			hash = nodeHashOf(sibling, hash);
			while (position % 2 === 0 && position !== 0) {
				position /= 2;
				last = Math.floor(last / 2);
			}
		} else hash = nodeHashOf(hash, sibling);
		position = Math.floor(position / 2);
		last = Math.floor(last / 2);
	}
	return last === 0 && hash.equals(root);
}

export interface ConsistencyClaim {
	readonly first: number;
	readonly second: number;
	readonly firstRoot: Uint8Array;
	readonly secondRoot: Uint8Array;
	readonly proof: readonly Uint8Array[];
}

/** Whether the second tree continues the first, which has at least one leaf (RFC 9162 section 2.1.4.2). */
export function isConsistent({ first, second, firstRoot, secondRoot, proof }: ConsistencyClaim): boolean {
	if (first < 1 || first > second) return false;
	if (first === second) return proof.length === 0 && Buffer.from(firstRoot).equals(secondRoot);
	const path = Number.isInteger(Math.log2(first)) ? [firstRoot, ...proof] : [...proof];
	let [hash1, hash2] = [path[0], path[0]];
	if (!hash1 || !hash2) return false;
	let position = first - 1;
	let last = second - 1;
	const up = () => {
		position = Math.floor(position / 2);
		last = Math.floor(last / 2);
	};
	while (position % 2 === 1) up();
	for (const sibling of path.slice(1)) {
		if (last === 0) return false;
		if (position % 2 === 1 || position === last) {
			hash1 = nodeHashOf(sibling, hash1);
			hash2 = nodeHashOf(sibling, hash2);
			while (position % 2 === 0 && position !== 0) up();
		} else hash2 = nodeHashOf(hash2, sibling);
		up();
	}
	return last === 0 && Buffer.from(hash1).equals(firstRoot) && Buffer.from(hash2).equals(secondRoot);
}
