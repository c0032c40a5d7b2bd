import { randomBytes } from 'node:crypto';
import { hashLeaf, rootOf } from '@chancery/core/merkle';
import { proveConsistency, proveInclusion, type ReadHashes } from '@chancery/core/proof';
import { describe, expect, it } from 'vitest';
import { GrowingTree, isConsistent, leafHash, rootFromInclusion } from './merkle.ts';

const SIZE = 40;
const leaves = Array.from({ length: SIZE }, () => randomBytes(20));
const hashes = leaves.map((leaf) => hashLeaf(leaf));
const rootAt = (size: number) => Buffer.from(rootOf(hashes.slice(0, size))).toString('hex');

/** Nodes of the whole tree, from the leaves. */
const read: ReadHashes = async (nodes) =>
	nodes.map(({ level, index }) => rootOf(hashes.slice(index * 2 ** level, (index + 1) * 2 ** level)));

describe('the tree of the judge', () => {
	it('grows through the same roots as that of the log', () => {
		const tree = new GrowingTree();
		expect(tree.root()).toBe(rootAt(0));
		leaves.forEach((leaf, i) => {
			tree.append(leafHash(leaf));
			expect(tree.root()).toBe(rootAt(i + 1));
		});
	});

	it('accepts every inclusion proof of the log, and none of them for another index, size or leaf', async () => {
		for (let size = 1; size <= SIZE; size += 3) {
			for (let index = 0; index < size; index++) {
				const proof = await proveInclusion(index, size, read);
				const lead = (at: number, of: number, leaf: Uint8Array) =>
					rootFromInclusion(at, of, leaf, proof)?.toString('hex') === rootAt(of);
				expect(lead(index, size, hashes[index]!)).toBe(true);
				expect(lead(index, size, hashes[(index + 1) % SIZE]!)).toBe(false);
				if (index + 1 < size) expect(lead(index + 1, size, hashes[index]!)).toBe(false);
				if (size < SIZE) expect(lead(index, size + 1, hashes[index]!)).toBe(false);
			}
		}
	});

	it('accepts every consistency proof of the log, and none of them for other roots', async () => {
		for (let second = 2; second <= SIZE; second += 3) {
			for (let first = 1; first < second; first++) {
				const proof = await proveConsistency(first, second, read);
				const heads = [
					{ size: first, root: rootAt(first) },
					{ size: second, root: rootAt(second) },
				] as const;
				expect(isConsistent(...heads, proof)).toBe(true);
				expect(isConsistent({ ...heads[0], root: rootAt(first - 1) }, heads[1], proof)).toBe(false);
				expect(isConsistent(heads[0], { ...heads[1], root: rootAt(second - 1) }, proof)).toBe(false);
				expect(isConsistent(...heads, [...proof, hashes[0]!])).toBe(false);
			}
		}
	});
});
