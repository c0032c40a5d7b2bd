/**
 * The right edge of the tree as the writer needs it: the perfect subtrees for the root, and the partial last tile of
 * each level, which the next entries complete.
 *
 * It is a cache. It may be used only while (size, root) equal the locked head row; any other head means that another
 * replica, or another history, has been here.
 */
import { equalBytes, toHex } from '@chancery/core/bytes';
import { RightEdge } from '@chancery/core/compact-range';
import { type Hash, rootOf } from '@chancery/core/merkle';
import { perfectSubtrees } from '@chancery/core/proof';
import { TILE_WIDTH, tileSpanOf } from '@chancery/core/tile';
import type { Sql } from '@chancery/postgres/sql';
import type { LogTables } from '../store/log-tables.ts';
import { type FullTile, type HashRange, readHashRanges } from '../store/tiles.ts';
import { TlogError } from '../tlog-error.ts';

export type VisitHash = (level: number, index: number, hash: Hash) => void;

export class TreeEdge {
	readonly #edge: RightEdge;
	/** Hashes of the partial last tile at each tile level. */
	readonly #partial: Hash[][];

	private constructor(edge: RightEdge, partial: Hash[][]) {
		this.#edge = edge;
		this.#partial = partial;
	}

	static empty(): TreeEdge {
		return new TreeEdge(RightEdge.empty(), []);
	}

	/**
	 * Reads the edge of the tree of `size` and checks it against `root`.
	 * @throws {TlogError} `read-only` when the stored hashes do not make this root.
	 */
	static async load(sql: Sql, tables: LogTables, size: number, root: Hash): Promise<TreeEdge> {
		const ranges = partialRanges(size);
		const partial = await readHashRanges(sql, tables, ranges);
		const hashes = perfectSubtrees(0, size).map((node) => {
			const { level, offset, count } = tileSpanOf(node);
			return rootOf(partial[level]!.slice(offset, offset + count));
		});
		const edge = new TreeEdge(RightEdge.from(size, hashes), partial);
		if (!equalBytes(edge.root(), root))
			throw new TlogError(
				'read-only',
				`the stored tree is damaged: its hashes make root ${toHex(edge.root())} at size ${size}, the head says ${toHex(root)}`,
			);
		return edge;
	}

	get size(): number {
		return this.#edge.size;
	}

	root(): Hash {
		return this.#edge.root();
	}

	isAt(head: { size: number; root: Hash }): boolean {
		return head.size === this.size && equalBytes(head.root, this.root());
	}

	/** An independent copy: a batch works on one, and it replaces the original only after COMMIT was acknowledged. */
	clone(): TreeEdge {
		return new TreeEdge(
			this.#edge.clone(),
			this.#partial.map((hashes) => [...hashes]),
		);
	}

	/** Tells of the perfect subtrees the edge consists of, in the order of their level. */
	visit(visit: VisitHash): void {
		const nodes = perfectSubtrees(0, this.size);
		nodes.forEach((node, i) => {
			visit(node.level, node.index, this.#edge.hashes[i]!);
		});
	}

	/** Adds a leaf. Tells of every hash that is now final, and returns the tiles that it completed, lowest first. */
	append(leafHash: Hash, visit?: VisitHash): FullTile[] {
		const full: FullTile[] = [];
		let hash = leafHash;
		for (let level = 0; ; level++) {
			this.#partial[level] ??= [];
			const hashes = this.#partial[level]!;
			hashes.push(hash);
			if (hashes.length < TILE_WIDTH) break;
			const root = rootOf(hashes);
			const index = Math.floor(this.size / TILE_WIDTH ** (level + 1));
			full.push({ level, index, root, hashes });
			this.#partial[level] = [];
			hash = root;
		}
		this.#edge.append(leafHash, visit);
		return full;
	}
}

/** Which hashes make up the partial last tile of each level in a tree of `size`; some are empty. */
function partialRanges(size: number): HashRange[] {
	const ranges: HashRange[] = [];
	for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / TILE_WIDTH))
		ranges.push({ level, begin: hashes - (hashes % TILE_WIDTH), end: hashes });
	return ranges;
}
