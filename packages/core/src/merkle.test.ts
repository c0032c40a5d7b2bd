import { SeededRandom } from '@chancery/testkit/seeded-random';
import { describe, expect, it } from 'vitest';
import { concatBytes, fromHex, toHex } from './bytes.ts';
import { RightEdge } from './compact-range.ts';
import { FormatError } from './format-error.ts';
import { EMPTY_ROOT, foldRight, type Hash, hashLeaf, hashNode, rootOf } from './merkle.ts';
import { sha256 } from './sha.ts';

/** The eight leaves that implementations of RFC 6962 compare, and the roots of the trees over the first of them. */
const LEAVES = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const ROOTS = [
	'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
	'6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
	'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
	'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
	'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
	'4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
	'76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
	'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
	'5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

/** MTH as RFC 6962 section 2.1 defines it, word by word. */
function definedRoot(entries: readonly Uint8Array[]): Hash {
	if (entries.length === 0) return sha256(new Uint8Array(0));
	if (entries.length === 1) return sha256(concatBytes(Uint8Array.of(0), entries[0]!));
	let k = 1;
	while (k * 2 < entries.length) k *= 2;
	return sha256(concatBytes(Uint8Array.of(1), definedRoot(entries.slice(0, k)), definedRoot(entries.slice(k))));
}

describe('the Merkle tree', () => {
	it.each(ROOTS.map((root, size) => [size, root] as const))('of %i known leaves has the known root', (size, root) => {
		const leaves = LEAVES.slice(0, size).map((leaf) => hashLeaf(fromHex(leaf)));
		expect(toHex(rootOf(leaves))).toBe(root);
		const edge = RightEdge.empty();
		for (const leaf of leaves) edge.append(leaf);
		expect(toHex(edge.root())).toBe(root);
	});

	it('has the defined root at every size up to 130, level by level and appended', () => {
		const random = new SeededRandom(5);
		const entries: Uint8Array[] = [];
		const edge = RightEdge.empty();
		for (let size = 1; size <= 130; size++) {
			entries.push(random.bytes(random.below(100)));
			edge.append(hashLeaf(entries.at(-1)!));
			const root = toHex(definedRoot(entries));
			expect(toHex(rootOf(entries.map(hashLeaf)))).toBe(root);
			expect(toHex(edge.root())).toBe(root);
		}
	});

	it('keeps leaves and nodes apart', () => {
		const [left, right] = [hashLeaf(Uint8Array.of(1)), hashLeaf(Uint8Array.of(2))];
		expect(hashLeaf(concatBytes(left, right))).not.toEqual(hashNode(left, right));
	});

	it('refuses to hash what is not two hashes', () => {
		expect(() => hashNode(EMPTY_ROOT, EMPTY_ROOT.subarray(1))).toThrow(RangeError);
		expect(() => hashNode(new Uint8Array(33), EMPTY_ROOT)).toThrow(RangeError);
	});

	it('answers hashes that later hashing does not change', () => {
		const first = hashNode(EMPTY_ROOT, EMPTY_ROOT);
		const copy = toHex(first);
		hashNode(first, first);
		expect(toHex(first)).toBe(copy);
		expect(foldRight([first])).toEqual(first);
	});
});

describe('the right edge', () => {
	it('reports every perfect subtree exactly once, when its last leaf arrives', () => {
		const leaves = Array.from({ length: 100 }, (_, i) => hashLeaf(Uint8Array.of(i)));
		const edge = RightEdge.empty();
		const seen = new Set<string>();
		leaves.forEach((leaf, added) => {
			edge.append(leaf, (level, index, hash) => {
				expect((index + 1) * 2 ** level).toBe(added + 1);
				expect(toHex(hash)).toBe(toHex(rootOf(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level))));
				seen.add(`${level}/${index}`);
			});
		});
		const perfect = [0, 1, 2, 3, 4, 5, 6].reduce((count, level) => count + Math.floor(100 / 2 ** level), 0);
		expect(seen.size).toBe(perfect);
	});

	it('continues from its stored hashes', () => {
		const edge = RightEdge.empty();
		for (let size = 0; size < 70; size++) {
			const resumed = RightEdge.from(edge.size, edge.hashes);
			expect(resumed.root()).toEqual(edge.root());
			edge.append(hashLeaf(Uint8Array.of(size)));
			resumed.append(hashLeaf(Uint8Array.of(size)));
			expect(resumed.root()).toEqual(edge.root());
		}
	});

	it('has clones that grow on their own', () => {
		const edge = RightEdge.empty();
		edge.append(hashLeaf(Uint8Array.of(0)));
		const before = toHex(edge.root());
		edge.clone().append(hashLeaf(Uint8Array.of(1)));
		expect(toHex(edge.root())).toBe(before);
		expect(edge.size).toBe(1);
	});

	it('grows past 2^32 leaves', () => {
		const levels = [hashLeaf(new Uint8Array(0))];
		for (let level = 1; level <= 33; level++) levels.push(hashNode(levels[level - 1]!, levels[level - 1]!));
		const stored = Array.from({ length: 33 }, (_, i) => levels[32 - i]!);
		const edge = RightEdge.from(2 ** 33 - 1, stored);
		const completed: string[] = [];
		edge.append(levels[0]!, (level, index) => completed.push(`${level}/${index}`));
		expect(edge.size).toBe(2 ** 33);
		expect(edge.root()).toEqual(levels[33]);
		expect(completed.at(-1)).toBe('33/0');
		expect(completed[1]).toBe(`1/${2 ** 32 - 1}`);
	});

	it.each([
		['a hash too few', 3, [EMPTY_ROOT]],
		['a hash too many', 4, [EMPTY_ROOT, EMPTY_ROOT]],
		['a short hash', 1, [EMPTY_ROOT.subarray(1)]],
		['a negative size', -1, []],
		['half a leaf', 0.5, [EMPTY_ROOT]],
		['an unsafe size', 2 ** 53, [EMPTY_ROOT]],
	])('does not continue from %s', (_what, size, hashes) => {
		expect(() => RightEdge.from(size, hashes)).toThrow(FormatError);
	});
});
