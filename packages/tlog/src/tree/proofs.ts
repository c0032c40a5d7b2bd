/**
 * Proofs for readers. None leaves the process unchecked: the inclusion proof against the root of its tree, and that root
 * against the published checkpoint.
 */
import { EMPTY_ROOT, type Hash } from '@chancery/core/merkle';
import {
	checkConsistency,
	checkInclusion,
	ProofError,
	proveConsistency,
	proveInclusion,
	rootAt,
} from '@chancery/core/proof';
import { retryAfterSeconds } from '../retry-after.ts';
import { readHashRanges } from '../store/tiles.ts';
import { TlogError } from '../tlog-error.ts';
import { hashReader, type TreeSource } from './hash-reader.ts';

/** The published tree that bounds and anchors what is proved. */
export interface Anchor {
	readonly size: number;
	readonly root: Hash;
}

/** Inclusion proof of entry `index` in the tree of `size`. @throws {TlogError} `out-of-range`, `unavailable`. */
export async function inclusionProof(source: TreeSource, anchor: Anchor, index: number, size: number): Promise<Hash[]> {
	requireSize(size, anchor);
	if (!Number.isSafeInteger(index) || index < 0 || index >= size)
		throw new TlogError('out-of-range', `there is no entry ${index} in a tree of ${size}`);
	return checkedProof(source, async (from) => {
		const proof = await proveInclusion(index, size, hashReader(from, size));
		const [[leafHash] = []] = await readHashRanges(from.sql, from.tables, [{ level: 0, begin: index, end: index + 1 }]);
		checkInclusion({ index, size, leafHash: leafHash!, root: await anchoredRoot(from, anchor, size), proof });
		return proof;
	});
}

/** Proof that the tree of `first` is a prefix of the tree of `second`. @throws {TlogError} `out-of-range`, `unavailable`. */
export async function consistencyProof(
	source: TreeSource,
	anchor: Anchor,
	first: number,
	second: number,
): Promise<Hash[]> {
	requireSize(second, anchor);
	if (!Number.isSafeInteger(first) || first < 0 || first > second)
		throw new TlogError('out-of-range', `a tree of ${first} is no prefix of a tree of ${second}`);
	return checkedProof(source, async (from) => {
		const proof = await proveConsistency(first, second, hashReader(from, second));
		const firstRoot = await anchoredRoot(from, anchor, first);
		const secondRoot = await anchoredRoot(from, anchor, second);
		checkConsistency({ first, second, firstRoot, secondRoot, proof });
		return proof;
	});
}

/** Root of the first `size` entries, shown to be a prefix of the published tree. @throws {TlogError} `out-of-range`. */
export async function publishedRoot(source: TreeSource, anchor: Anchor, size: number): Promise<Hash> {
	requireSize(size, anchor);
	return checkedProof(source, (from) => anchoredRoot(from, anchor, size));
}

async function anchoredRoot(source: TreeSource, anchor: Anchor, size: number): Promise<Hash> {
	if (size === 0) return EMPTY_ROOT;
	if (size === anchor.size) return anchor.root;
	const read = hashReader(source, anchor.size);
	const root = await rootAt(size, read);
	const proof = await proveConsistency(size, anchor.size, read);
	checkConsistency({ first: size, second: anchor.size, firstRoot: root, secondRoot: anchor.root, proof });
	return root;
}

/**
 * Runs `prove` with memory and, when a check fails, once more with the database alone: memory may hold hashes of a
 * history that the database lost in a failover. @throws {TlogError} `unavailable` when that fails too.
 */
export async function checkedProof<T>(source: TreeSource, prove: (source: TreeSource) => Promise<T>): Promise<T> {
	try {
		return await prove(source);
	} catch (error) {
		if (!(error instanceof ProofError)) throw error;
	}
	source.cache?.clear();
	try {
		return await prove({ sql: source.sql, tables: source.tables });
	} catch (cause) {
		if (!(cause instanceof ProofError)) throw cause;
		throw new TlogError('unavailable', `no proof leads to the published root: ${cause.message}`, {
			retryAfterSeconds: retryAfterSeconds(),
			cause,
		});
	}
}

function requireSize(size: number, anchor: Anchor): void {
	if (!Number.isSafeInteger(size) || size < 0 || size > anchor.size)
		throw new TlogError('out-of-range', `size ${size} is not published, the published tree has ${anchor.size} entries`);
}
