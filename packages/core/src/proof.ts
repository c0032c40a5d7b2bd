/**
 * Inclusion and consistency proofs (RFC 6962 sections 2.1.1 and 2.1.2), made and checked side by side.
 *
 * Makers ask for perfect subtrees by (level, index) through one function, so the same code proves from memory, tiles
 * or SQL. A sibling at the right edge of a tree need not be perfect; it is folded from the perfect ones it consists of.
 * Checkers follow RFC 9162 sections 2.1.3.2 and 2.1.4.2, which walk the two paths without recursion. Sizes may exceed
 * 2^32, so halves are taken by arithmetic and not by bit operators.
 */

import { equalBytes } from './bytes.ts';
import { ChanceryError } from './chancery-error.ts';
import { EMPTY_ROOT, foldRight, HASH_LENGTH, type Hash, hashNode } from './merkle.ts';

/** The perfect subtree over the leaves [index * 2^level, (index + 1) * 2^level). */
export type NodeId = { readonly level: number; readonly index: number };

/** Returns the hashes of the nodes, in the order asked. */
export type ReadHashes = (ids: readonly NodeId[]) => Promise<Hash[]>;

/** A proof that does not connect what it claims to connect. */
export class ProofError extends ChanceryError<'proof-invalid'> {
	constructor(message: string, options?: ErrorOptions) {
		super('proof-invalid', message, options);
	}
}

type Range = readonly [begin: number, end: number];

/**
 * The path from a leaf to the root of a tree of `size`, sibling of the leaf first.
 * Throws RangeError unless 0 <= index < size.
 */
export async function proveInclusion(index: number, size: number, read: ReadHashes): Promise<Hash[]> {
	assertSize(size);
	if (!Number.isSafeInteger(index) || index < 0 || index >= size)
		throw new RangeError(`there is no leaf ${index} in a tree of ${size}`);
	const siblings: Range[] = [];
	let begin = 0;
	let end = size;
	while (end - begin > 1) {
		const middle = begin + splitPoint(end - begin);
		if (index < middle) {
			siblings.push([middle, end]);
			end = middle;
		} else {
			siblings.push([begin, middle]);
			begin = middle;
		}
	}
	return readRanges(siblings.reverse(), read);
}

/**
 * The proof that the tree of size `first` is a prefix of the tree of size `second`; empty when first is 0 or second.
 * Throws RangeError unless 0 <= first <= second.
 */
export async function proveConsistency(first: number, second: number, read: ReadHashes): Promise<Hash[]> {
	assertSize(first);
	assertSize(second);
	if (first > second) throw new RangeError(`a tree of ${first} is no prefix of a tree of ${second}`);
	if (first === 0 || first === second) return [];
	const ranges: Range[] = [];
	let begin = 0;
	let end = second;
	while (end !== first) {
		const middle = begin + splitPoint(end - begin);
		if (first <= middle) {
			ranges.push([middle, end]);
			end = middle;
		} else {
			ranges.push([begin, middle]);
			begin = middle;
		}
	}
	// The last piece of the old tree is left out when it is the whole old tree: the verifier has its root.
	if (begin > 0) ranges.push([begin, end]);
	return readRanges(ranges.reverse(), read);
}

/** Root of the first `size` leaves. */
export async function rootAt(size: number, read: ReadHashes): Promise<Hash> {
	assertSize(size);
	if (size === 0) return EMPTY_ROOT;
	return (await readRanges([[0, size]], read))[0]!;
}

/**
 * Perfect subtrees that make up the leaves [begin, end), left to right. `begin` must be where such a piece of a tree
 * can begin: zero, or a multiple of the largest power of two that is not larger than the piece.
 */
export function perfectSubtrees(begin: number, end: number): NodeId[] {
	const nodes: NodeId[] = [];
	let from = begin;
	while (from < end) {
		let width = 1;
		let level = 0;
		while (width * 2 <= end - from) {
			width *= 2;
			level += 1;
		}
		nodes.push({ level, index: from / width });
		from += width;
	}
	return nodes;
}

/** Hash of each range, all read in one call. */
async function readRanges(ranges: readonly Range[], read: ReadHashes): Promise<Hash[]> {
	const groups = ranges.map(([begin, end]) => perfectSubtrees(begin, end));
	const ids = groups.flat();
	const hashes = ids.length === 0 ? [] : await read(ids);
	if (hashes.length !== ids.length) throw new RangeError(`asked for ${ids.length} hashes, got ${hashes.length}`);
	let offset = 0;
	return groups.map((group) => {
		const part = hashes.slice(offset, offset + group.length);
		offset += group.length;
		return foldRight(part);
	});
}

export interface InclusionClaim {
	readonly index: number;
	readonly size: number;
	readonly leafHash: Hash;
	readonly root: Hash;
	readonly proof: readonly Hash[];
}

/** Checks that the leaf stands at the index in the tree with this root (RFC 9162 2.1.3.2). Throws ProofError. */
export function checkInclusion({ index, size, leafHash, root, proof }: InclusionClaim): void {
	if (!isSize(index) || !isSize(size) || index >= size) throw new ProofError('the index is not inside the tree');
	assertHashes([leafHash, root], proof);
	let position = index;
	let last = size - 1;
	let hash = leafHash;
	for (const sibling of proof) {
		if (last === 0) throw new ProofError('the proof is too long');
		if (position % 2 === 1 || position === last) {
			hash = hashNode(sibling, hash);
			while (position % 2 === 0 && position !== 0) {
				position /= 2;
				last = half(last);
			}
		} else {
			hash = hashNode(hash, sibling);
		}
		position = half(position);
		last = half(last);
	}
	if (last !== 0) throw new ProofError('the proof is too short');
	if (!equalBytes(hash, root)) throw new ProofError('the proof does not lead to the root');
}

export interface ConsistencyClaim {
	readonly first: number;
	readonly second: number;
	readonly firstRoot: Hash;
	readonly secondRoot: Hash;
	readonly proof: readonly Hash[];
}

/**
 * Checks that the second tree begins with the first (RFC 9162 2.1.4.2). Everything extends the empty tree: with first
 * 0 the proof must be empty and firstRoot the root of nothing. Throws ProofError.
 */
export function checkConsistency({ first, second, firstRoot, secondRoot, proof }: ConsistencyClaim): void {
	if (!isSize(first) || !isSize(second) || first > second) throw new ProofError('the tree sizes do not grow');
	assertHashes([firstRoot, secondRoot], proof);
	if (first === 0 && !equalBytes(firstRoot, EMPTY_ROOT)) throw new ProofError('an empty tree has another root');
	if (first === second && !equalBytes(firstRoot, secondRoot)) throw new ProofError('one size has two roots');
	if (first === 0 || first === second) {
		if (proof.length > 0) throw new ProofError('the proof is too long');
		return;
	}
	let position = first - 1;
	let last = second - 1;
	while (position % 2 === 1) {
		position = half(position);
		last = half(last);
	}
	// Nothing left of the position: the first tree is perfect, and the proof starts from its root.
	const path = position === 0 ? [firstRoot, ...proof] : proof;
	const start = path[0];
	if (start === undefined) throw new ProofError('the proof is too short');
	let older = start;
	let newer = start;
	for (const sibling of path.slice(1)) {
		if (last === 0) throw new ProofError('the proof is too long');
		if (position % 2 === 1 || position === last) {
			older = hashNode(sibling, older);
			newer = hashNode(sibling, newer);
			while (position % 2 === 0 && position !== 0) {
				position /= 2;
				last = half(last);
			}
		} else {
			newer = hashNode(newer, sibling);
		}
		position = half(position);
		last = half(last);
	}
	if (last !== 0) throw new ProofError('the proof is too short');
	if (!equalBytes(older, firstRoot)) throw new ProofError('the proof does not lead to the first root');
	if (!equalBytes(newer, secondRoot)) throw new ProofError('the proof does not lead to the second root');
}

/** Largest power of two smaller than `width` (RFC 6962's k); width is at least 2. */
function splitPoint(width: number): number {
	let k = 1;
	while (k * 2 < width) k *= 2;
	return k;
}

function half(value: number): number {
	return Math.floor(value / 2);
}

function isSize(value: number): boolean {
	return Number.isSafeInteger(value) && value >= 0;
}

function assertSize(value: number): void {
	if (!isSize(value)) throw new RangeError(`${value} is not a tree size`);
}

/** Hashes come from outside: a wrong length is a wrong proof, not a bug. */
function assertHashes(ends: readonly Hash[], proof: readonly Hash[]): void {
	for (const hash of [...ends, ...proof])
		if (hash.length !== HASH_LENGTH) throw new ProofError('a hash does not have 32 bytes');
}
