import { beforeAll, describe, expect, it } from 'vitest';
import { oneByteChanges } from '../test/every-byte.ts';
import { fromHex, toHex } from './bytes.ts';
import { RightEdge } from './compact-range.ts';
import { EMPTY_ROOT, type Hash, hashLeaf, hashNode } from './merkle.ts';
import {
	checkConsistency,
	checkInclusion,
	ProofError,
	perfectSubtrees,
	proveConsistency,
	proveInclusion,
	type ReadHashes,
	rootAt,
} from './proof.ts';

const MAX_SIZE = 130;

/** A tree in memory that hands out only completed subtrees, as storage does. */
function memoryTree(leafHashes: readonly Hash[]): { read: ReadHashes; roots: Hash[] } {
	const nodes = new Map<string, Hash>();
	const edge = RightEdge.empty();
	const roots = [edge.root()];
	for (const leaf of leafHashes) {
		edge.append(leaf, (level, index, hash) => nodes.set(`${level}/${index}`, hash));
		roots.push(edge.root());
	}
	const read: ReadHashes = async (ids) =>
		ids.map(({ level, index }) => {
			const hash = nodes.get(`${level}/${index}`);
			if (!hash) throw new Error(`node ${level}/${index} does not exist`);
			return hash;
		});
	return { read, roots };
}

const leaves = Array.from({ length: MAX_SIZE }, (_, i) => hashLeaf(Uint8Array.of(i)));
const { read, roots } = memoryTree(leaves);
const KNOWN = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const known = memoryTree(KNOWN.map((leaf) => hashLeaf(fromHex(leaf))));
const prefixes = (proof: readonly Hash[]) => proof.map((hash) => toHex(hash).slice(0, 16));

describe('proofs over the known leaves', () => {
	it('are the known hashes, leaf first', async () => {
		expect(prefixes(await proveInclusion(5, 7, known.read))).toEqual([
			'bc1a0643b12e4d2d',
			'b08693ec2e721597',
			'd37ee418976dd957',
		]);
		expect(prefixes(await proveConsistency(6, 8, known.read))).toEqual([
			'0ebc5d3437fbe2db',
			'ca854ea128ed050b',
			'd37ee418976dd957',
		]);
		expect(prefixes(await proveConsistency(3, 7, known.read))).toEqual([
			'0298d122906dcfc1',
			'07506a85fd9dd2f1',
			'fac54203e7cc696c',
			'837dbb152e9b0790',
		]);
	});
});

describe(`at every size up to ${MAX_SIZE}`, () => {
	it('the root is computed from stored subtrees', async () => {
		for (let size = 0; size <= MAX_SIZE; size++) expect(toHex(await rootAt(size, read))).toBe(toHex(roots[size]!));
	});

	it('every leaf proves its inclusion, and no other index, size or leaf passes with its proof', async () => {
		for (let size = 1; size <= MAX_SIZE; size++) {
			const root = roots[size]!;
			for (let index = 0; index < size; index++) {
				const leafHash = leaves[index]!;
				const proof = await proveInclusion(index, size, read);
				checkInclusion({ index, size, leafHash, root, proof });
				// Neighbours are the likeliest confusions; a proof of another shape fails by its length.
				for (const other of [index - 1, index + 1, index ^ 2, size - 1])
					if (other !== index)
						expect(() => checkInclusion({ index: other, size, leafHash, root, proof })).toThrow(ProofError);
				expect(() => checkInclusion({ index, size, leafHash: EMPTY_ROOT, root, proof })).toThrow(ProofError);
				expect(() => checkInclusion({ index, size, leafHash, root, proof: [...proof, EMPTY_ROOT] })).toThrow(
					ProofError,
				);
				if (proof.length > 0)
					expect(() => checkInclusion({ index, size, leafHash, root, proof: proof.slice(1) })).toThrow(ProofError);
			}
		}
	});

	it('every earlier tree proves to be a prefix, and no other tree passes with its proof', async () => {
		for (let second = 0; second <= MAX_SIZE; second++) {
			const secondRoot = roots[second]!;
			for (let first = 0; first <= second; first++) {
				const firstRoot = roots[first]!;
				const proof = await proveConsistency(first, second, read);
				checkConsistency({ first, second, firstRoot, secondRoot, proof });
				const claim = { first, second, firstRoot, secondRoot, proof };
				expect(() => checkConsistency({ ...claim, firstRoot: leaves[7]! })).toThrow(ProofError);
				// Everything extends the empty tree, so there the second root is not tied to the first.
				if (first > 0) expect(() => checkConsistency({ ...claim, secondRoot: leaves[7]! })).toThrow(ProofError);
				expect(() => checkConsistency({ ...claim, proof: [...proof, EMPTY_ROOT] })).toThrow(ProofError);
				if (proof.length > 0) {
					expect(() => checkConsistency({ ...claim, proof: proof.slice(1) })).toThrow(ProofError);
					expect(() => checkConsistency({ ...claim, proof: proof.slice(0, -1) })).toThrow(ProofError);
				}
			}
		}
	});

	it('an inclusion proof has the length that the bits of index and size foretell', async () => {
		for (let size = 1; size <= MAX_SIZE; size++) {
			for (let index = 0; index < size; index++) {
				const shared = 32 - Math.clz32(index ^ (size - 1));
				const above = (index >> shared).toString(2).replaceAll('0', '').length;
				expect(await proveInclusion(index, size, read)).toHaveLength(shared + above);
			}
		}
	});
});

describe('one changed byte', () => {
	const change = (proof: readonly Hash[], at: number, hash: Hash) => proof.map((kept, i) => (i === at ? hash : kept));

	it.each([
		[0, 1],
		[0, 2],
		[5, 7],
		[99, 130],
		[129, 130],
		[64, 65],
	])('anywhere in the inclusion proof of leaf %i of %i is refused', async (index, size) => {
		const claim = { index, size, leafHash: leaves[index]!, root: roots[size]! };
		const proof = await proveInclusion(index, size, read);
		for (let at = 0; at < proof.length; at++)
			for (const hash of oneByteChanges(proof[at]!))
				expect(() => checkInclusion({ ...claim, proof: change(proof, at, hash) })).toThrow(ProofError);
		for (const root of oneByteChanges(claim.root))
			expect(() => checkInclusion({ ...claim, root, proof })).toThrow(ProofError);
		for (const leafHash of oneByteChanges(claim.leafHash))
			expect(() => checkInclusion({ ...claim, leafHash, proof })).toThrow(ProofError);
	});

	it.each([
		[1, 2],
		[6, 8],
		[3, 7],
		[64, 130],
		[127, 128],
		[5, 5],
	])('anywhere in the consistency proof from %i to %i is refused', async (first, second) => {
		const claim = { first, second, firstRoot: roots[first]!, secondRoot: roots[second]! };
		const proof = await proveConsistency(first, second, read);
		for (let at = 0; at < proof.length; at++)
			for (const hash of oneByteChanges(proof[at]!))
				expect(() => checkConsistency({ ...claim, proof: change(proof, at, hash) })).toThrow(ProofError);
		for (const root of oneByteChanges(claim.firstRoot))
			expect(() => checkConsistency({ ...claim, firstRoot: root, proof })).toThrow(ProofError);
		for (const root of oneByteChanges(claim.secondRoot))
			expect(() => checkConsistency({ ...claim, secondRoot: root, proof })).toThrow(ProofError);
	});
});

describe('impossible claims', () => {
	const hash = EMPTY_ROOT;
	it.each([
		['an index behind the tree', 5, 5],
		['a negative index', -1, 5],
		['half an index', 0.5, 5],
		['an unsafe size', 0, 2 ** 53],
		['an empty tree', 0, 0],
		['no number', Number.NaN, 5],
	])('%s is refused by checker and maker', async (_what, index, size) => {
		expect(() => checkInclusion({ index, size, leafHash: hash, root: hash, proof: [] })).toThrow(ProofError);
		await expect(proveInclusion(index, size, read)).rejects.toThrow(RangeError);
	});

	it.each([
		['a shrinking tree', 6, 5],
		['a negative size', -1, 5],
		['an unsafe size', 1, 2 ** 60],
	])('%s is refused by checker and maker', async (_what, first, second) => {
		const claim = { first, second, firstRoot: hash, secondRoot: hash, proof: [] };
		expect(() => checkConsistency(claim)).toThrow(ProofError);
		await expect(proveConsistency(first, second, read)).rejects.toThrow(RangeError);
	});

	it('hashes of another length are refused as a proof error', () => {
		const long = new Uint8Array(33);
		expect(() => checkInclusion({ index: 0, size: 2, leafHash: hash, root: hash, proof: [long] })).toThrow(ProofError);
		expect(() => checkInclusion({ index: 0, size: 1, leafHash: long, root: long, proof: [] })).toThrow(ProofError);
		const claim = { first: 1, second: 1, firstRoot: long, secondRoot: long, proof: [] };
		expect(() => checkConsistency(claim)).toThrow(ProofError);
	});

	it('two roots for one size are refused', () => {
		const claim = { first: 3, second: 3, firstRoot: roots[3]!, secondRoot: roots[4]!, proof: [] };
		expect(() => checkConsistency(claim)).toThrow(ProofError);
	});

	it('a reader that answers too little is a bug and not a proof', async () => {
		await expect(proveInclusion(0, 4, async () => [])).rejects.toThrow(RangeError);
	});
});

describe('trees beyond 2^32 leaves', () => {
	/** With equal leaves a perfect subtree depends on its level only, so no storage is needed. */
	const levels = [hashLeaf(new Uint8Array(0))];
	const readLevels: ReadHashes = async (ids) => ids.map(({ level }) => levels[level]!);
	beforeAll(() => {
		for (let level = 1; level <= 52; level++) levels.push(hashNode(levels[level - 1]!, levels[level - 1]!));
	});

	it.each([2 ** 32 + 5, 2 ** 40 - 1, 2 ** 53 - 1])('of %i prove and check', async (size) => {
		const root = await rootAt(size, readLevels);
		for (const index of [0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, size - 2, size - 1]) {
			const proof = await proveInclusion(index, size, readLevels);
			checkInclusion({ index, size, leafHash: levels[0]!, root, proof });
		}
		for (const first of [1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, size - 1]) {
			const firstRoot = await rootAt(first, readLevels);
			const proof = await proveConsistency(first, size, readLevels);
			checkConsistency({ first, second: size, firstRoot, secondRoot: root, proof });
			const claim = { first: first - 1, second: size, firstRoot, secondRoot: root, proof };
			expect(() => checkConsistency(claim)).toThrow(ProofError);
		}
	});

	it('are made of the perfect subtrees that the bits of the size name', () => {
		expect(perfectSubtrees(0, 2 ** 40 + 2)).toEqual([
			{ level: 40, index: 0 },
			{ level: 1, index: 2 ** 39 },
		]);
	});
});
