/**
 * An independent judge: the definitions of RFC 6962 section 2.1 written down as they stand there, over node:crypto, with
 * nothing of the engine or of core in it. Slow, and meant to be obviously right.
 */
import { createHash } from 'node:crypto';

export function naiveLeafHash(leaf: Uint8Array): Uint8Array {
	return hash(Uint8Array.of(0), leaf);
}

/** MTH over leaf hashes. */
export function naiveRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
	if (leafHashes.length === 0) return hash();
	if (leafHashes.length === 1) return leafHashes[0]!;
	const k = splitPoint(leafHashes.length);
	return hash(Uint8Array.of(1), naiveRoot(leafHashes.slice(0, k)), naiveRoot(leafHashes.slice(k)));
}

/** PATH(m, D[n]) of section 2.1.1. */
export function naivePath(index: number, leafHashes: readonly Uint8Array[]): Uint8Array[] {
	if (leafHashes.length <= 1) return [];
	const k = splitPoint(leafHashes.length);
	return index < k
		? [...naivePath(index, leafHashes.slice(0, k)), naiveRoot(leafHashes.slice(k))]
		: [...naivePath(index - k, leafHashes.slice(k)), naiveRoot(leafHashes.slice(0, k))];
}

/** PROOF(m, D[n]) of section 2.1.2. */
export function naiveConsistency(first: number, leafHashes: readonly Uint8Array[]): Uint8Array[] {
	return subproof(first, leafHashes, true);
}

/** Bytes of a hash tile: hash i of tile (L, N) covers 256^L leaves from (N * 256 + i) * 256^L on. */
export function naiveTile(leafHashes: readonly Uint8Array[], level: number, index: number, width: number): Uint8Array {
	const span = 256 ** level;
	return Buffer.concat(
		Array.from({ length: width }, (_, i) => {
			const from = (index * 256 + i) * span;
			return naiveRoot(leafHashes.slice(from, from + span));
		}),
	);
}

function subproof(m: number, leafHashes: readonly Uint8Array[], whole: boolean): Uint8Array[] {
	const n = leafHashes.length;
	if (m === n) return whole ? [] : [naiveRoot(leafHashes)];
	const k = splitPoint(n);
	if (m <= k) return [...subproof(m, leafHashes.slice(0, k), whole), naiveRoot(leafHashes.slice(k))];
	return [...subproof(m - k, leafHashes.slice(k), false), naiveRoot(leafHashes.slice(0, k))];
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
