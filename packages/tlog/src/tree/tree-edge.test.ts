import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { NaiveTree } from '../../test/naive-tree.ts';
import type { FullTile } from '../store/tiles.ts';
import { TreeEdge } from './tree-edge.ts';

const leafHashes = Array.from(
	{ length: 66_000 },
	(_, i) => new Uint8Array(createHash('sha256').update(String(i)).digest()),
);
const tree = new NaiveTree(leafHashes);

describe('the edge of a growing tree', () => {
	it('has the root of the definition and completes each tile once, across three tile levels', () => {
		const edge = TreeEdge.empty();
		const tiles: FullTile[] = [];
		const nodes = new Map<string, Uint8Array>();
		for (const hash of leafHashes) {
			tiles.push(...edge.append(hash, (level, index, node) => nodes.set(`${level}:${index}`, node)));
			if (edge.size % 997 === 0 || (edge.size > 65_530 && edge.size < 65_540))
				expect(edge.root()).toEqual(tree.root(edge.size));
		}
		const names = tiles.map(({ level, index }) => `${level}/${index}`);
		expect(new Set(names).size).toBe(names.length);
		expect(names.filter((name) => name.startsWith('0/'))).toHaveLength(257);
		expect(names.filter((name) => !name.startsWith('0/'))).toEqual(['1/0']);
		for (const { level, index, hashes, root } of tiles) {
			expect(new Uint8Array(Buffer.concat(hashes))).toEqual(tree.tile(level, index, 256));
			const span = 256 ** (level + 1);
			expect(root).toEqual(tree.root((index + 1) * span, index * span));
		}
		for (const [level, index] of [
			[0, 65_999],
			[1, 0],
			[5, 77],
			[8, 256],
			[16, 0],
		])
			expect(nodes.get(`${level}:${index}`)).toEqual(tree.root((index! + 1) * 2 ** level!, index! * 2 ** level!));
	});

	it('leaves its copies alone', () => {
		const edge = TreeEdge.empty();
		for (const hash of leafHashes.slice(0, 300)) edge.append(hash);
		const copy = edge.clone();
		for (const hash of leafHashes.slice(300, 900)) copy.append(hash);
		expect(edge.isAt({ size: 300, root: tree.root(300) })).toBe(true);
		expect(copy.isAt({ size: 900, root: tree.root(900) })).toBe(true);
		for (const hash of leafHashes.slice(300, 512)) edge.append(hash);
		expect(edge.root()).toEqual(tree.root(512));
	});
});
