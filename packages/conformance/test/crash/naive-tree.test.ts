import { createHash } from 'node:crypto';
import { proveConsistency, proveInclusion } from '@chancery/core/proof';
import { describe, expect, it } from 'vitest';
import { isConsistent, isIncluded, leafHashOf, NaiveTree } from './naive-tree.ts';
import { hashTilePaths, tilePathOf } from './tile-layout.ts';

const SIZE = 70;
const tree = new NaiveTree();
for (let i = 0; i < SIZE; i++) tree.append(leafHashOf(Buffer.from(`leaf ${i}`)));

/** The engine's own prover as the other side: two independent readings of the RFC have to agree. */
const read = async (ids: readonly { level: number; index: number }[]) =>
	ids.map(({ level, index }) => new Uint8Array(tree.complete(level, index)));

const damaged = (proof: readonly Uint8Array[]) => [
	...(proof.length > 0 ? [proof.slice(1)] : []),
	[...proof, new Uint8Array(32)],
	...proof.map((_, at) => proof.map((hash, i) => (i === at ? createHash('sha256').update(hash).digest() : hash))),
];

it('makes the roots that the Certificate Transparency project published for its eight test leaves', () => {
	const known = new NaiveTree();
	expect(known.rootAt(0).toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
	for (const leaf of [
		'',
		'00',
		'10',
		'2021',
		'3031',
		'40414243',
		'5051525354555657',
		'606162636465666768696a6b6c6d6e6f',
	])
		known.append(leafHashOf(Buffer.from(leaf, 'hex')));
	expect(known.rootAt(1).toString('hex')).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d');
	expect(known.rootAt(8).toString('hex')).toBe('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328');
});

describe.each([1, 2, 3, 7, 8, 33, 64, 69, 70])('in a tree of %i leaves', (size) => {
	const root = tree.rootAt(size);

	it('accepts every proof of inclusion, and none that is changed', async () => {
		for (let index = 0; index < size; index++) {
			const proof = await proveInclusion(index, size, read);
			const claim = { index, size, root, leafHash: tree.leaf(index) };
			expect(isIncluded({ ...claim, proof })).toBe(true);
			for (const other of damaged(proof)) expect(isIncluded({ ...claim, proof: other })).toBe(false);
			expect(isIncluded({ ...claim, proof, leafHash: leafHashOf(Buffer.from('another')) })).toBe(false);
			expect(isIncluded({ ...claim, proof, index: index + size })).toBe(false);
		}
	});

	it('accepts every proof of consistency, and none that is changed', async () => {
		for (let first = 1; first <= size; first++) {
			const proof = await proveConsistency(first, size, read);
			const claim = { first, second: size, firstRoot: tree.rootAt(first), secondRoot: root };
			expect(isConsistent({ ...claim, proof })).toBe(true);
			for (const other of damaged(proof)) expect(isConsistent({ ...claim, proof: other })).toBe(false);
			const forked = leafHashOf(Buffer.from('fork'));
			expect(isConsistent({ ...claim, proof, firstRoot: forked })).toBe(false);
			expect(isConsistent({ ...claim, proof, secondRoot: forked })).toBe(false);
		}
	});
});

it('names tiles as the C2SP page does', () => {
	expect(tilePathOf(0, 0, 256)).toBe('tile/0/000');
	expect(tilePathOf('entries', 0, 5)).toBe('tile/entries/000.p/5');
	expect(tilePathOf(0, 1_234_067, 1_234_067 * 256 + 8)).toBe('tile/0/x001/x234/067.p/8');
	expect(hashTilePaths(70_000).filter(({ isEdge }) => isEdge)).toMatchObject([
		{ path: 'tile/0/273.p/112', width: 112 },
		{ path: 'tile/1/001.p/17', width: 17 },
		{ path: 'tile/2/000.p/1', width: 1 },
	]);
});
