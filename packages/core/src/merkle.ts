/**
 * Merkle tree hashing (RFC 6962 section 2.1, SHA-256):
 *
 *     MTH({})   = SHA-256()
 *     MTH({d0}) = SHA-256(0x00 || d0)
 *     MTH(D[n]) = SHA-256(0x01 || MTH(D[0:k]) || MTH(D[k:n])),  k the largest power of two smaller than n
 *
 * The prefix bytes keep leaves and nodes apart: without them an attacker could offer an inner node as an entry.
 */
import { sha256 } from '#sha2';

/** A leaf, node or root hash: 32 bytes. */
export type Hash = Uint8Array;

/** Length of every hash in the tree, in bytes. */
export const HASH_LENGTH = 32;

/** The root of a tree without entries: SHA-256 of nothing. */
export const EMPTY_ROOT: Hash = sha256(new Uint8Array(0));

// One buffer for all node hashes: hashing is synchronous, so nobody can observe it half filled.
const nodeInput = new Uint8Array(1 + 2 * HASH_LENGTH);
nodeInput[0] = 0x01;

/** Hash of an entry: SHA-256(0x00 || data). */
export function hashLeaf(data: Uint8Array): Hash {
	const input = new Uint8Array(1 + data.length);
	input.set(data, 1);
	return sha256(input);
}

/** Hash of two neighbouring subtrees: SHA-256(0x01 || left || right). Throws RangeError unless both have 32 bytes. */
export function hashNode(left: Hash, right: Hash): Hash {
	// A shorter hash would leave bytes of the previous call in the buffer.
	if (left.length !== HASH_LENGTH || right.length !== HASH_LENGTH) throw new RangeError('a tree hash has 32 bytes');
	nodeInput.set(left, 1);
	nodeInput.set(right, 1 + HASH_LENGTH);
	return sha256(nodeInput);
}

/**
 * Joins neighbouring subtrees, largest first as they stand in a tree from left to right, by folding from the right:
 * `H(a, H(b, c))`. For the perfect subtrees of a tree this is its root; for none it is EMPTY_ROOT.
 */
export function foldRight(hashes: readonly Hash[]): Hash {
	let folded = hashes.at(-1);
	if (folded === undefined) return EMPTY_ROOT;
	for (let i = hashes.length - 2; i >= 0; i--) folded = hashNode(hashes[i]!, folded);
	return folded;
}

/**
 * The root over leaf hashes, level by level. Takes memory for the whole level: for tests, tiles and small trees; a
 * growing tree keeps a RightEdge.
 */
export function rootOf(leafHashes: readonly Hash[]): Hash {
	if (leafHashes.length === 0) return EMPTY_ROOT;
	let level = leafHashes;
	while (level.length > 1) {
		const parents: Hash[] = [];
		for (let i = 0; i + 1 < level.length; i += 2) parents.push(hashNode(level[i]!, level[i + 1]!));
		// A last node without a sibling rises unchanged until it meets one (RFC 9162 section 2.1.2).
		if (level.length % 2 === 1) parents.push(level.at(-1)!);
		level = parents;
	}
	return level[0]!;
}
