/**
 * An independent judge: the definitions of RFC 6962 section 2.1 written down as they stand there, over node:crypto, with
 * nothing of the engine or of core in it. It remembers what it has hashed, and is otherwise meant to be obviously right.
 */
import { createHash } from 'node:crypto';

export class NaiveTree {
	readonly leafHashes: readonly Uint8Array[];
	readonly #known = new Map<string, Uint8Array>();

	constructor(leafHashes: readonly Uint8Array[]) {
		this.leafHashes = leafHashes;
	}

	/** MTH(D[begin:end]). */
	root(end: number, begin = 0): Uint8Array {
		if (begin === end) return hash();
		if (end - begin === 1) return this.leafHashes[begin]!;
		const key = `${begin}-${end}`;
		const known = this.#known.get(key);
		if (known) return known;
		const middle = begin + splitPoint(end - begin);
		const root = hash(Uint8Array.of(1), this.root(middle, begin), this.root(end, middle));
		this.#known.set(key, root);
		return root;
	}

	/** PATH(m, D[n]) of section 2.1.1, for the part of the tree from `begin` on. */
	path(index: number, end: number, begin = 0): Uint8Array[] {
		if (end - begin === 1) return [];
		const middle = begin + splitPoint(end - begin);
		return index < middle
			? [...this.path(index, middle, begin), this.root(end, middle)]
			: [...this.path(index, end, middle), this.root(middle, begin)];
	}

	/** PROOF(m, D[n]) of section 2.1.2. */
	consistency(first: number, second: number): Uint8Array[] {
		return first === 0 ? [] : this.#subproof(first, 0, second, true);
	}

	/** Bytes of a hash tile: hash i of tile (L, N) covers 256^L leaves from (N * 256 + i) * 256^L on. */
	tile(level: number, index: number, width: number): Uint8Array {
		const span = 256 ** level;
		const hashes = Array.from({ length: width }, (_, i) => {
			const begin = (index * 256 + i) * span;
			return this.root(begin + span, begin);
		});
		return new Uint8Array(Buffer.concat(hashes));
	}

	#subproof(m: number, begin: number, end: number, whole: boolean): Uint8Array[] {
		if (m === end) return whole ? [] : [this.root(end, begin)];
		const middle = begin + splitPoint(end - begin);
		if (m <= middle) return [...this.#subproof(m, begin, middle, whole), this.root(end, middle)];
		return [...this.#subproof(m, middle, end, false), this.root(middle, begin)];
	}
}

export function naiveLeafHash(leaf: Uint8Array): Uint8Array {
	return hash(Uint8Array.of(0), leaf);
}

function splitPoint(n: number): number {
	let k = 1;
	while (k * 2 < n) k *= 2;
	return k;
}

function hash(...parts: Uint8Array[]): Uint8Array {
	const sha = createHash('sha256');
	for (const part of parts) sha.update(part);
	return new Uint8Array(sha.digest());
}
