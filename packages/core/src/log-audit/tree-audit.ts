/**
 * The audit of a tree: everything between the entries and the root, recomputed.
 *
 * Entries are hashed bundle by bundle. Whenever 256 hashes of a level are together, they are compared with the tile that
 * should hold them, and their root is the next hash one level up; in memory is one tile per level and what is being
 * fetched. At the end the partial tiles make the root.
 *
 * Where a recomputed hash differs from the one in a tile, one of the two was changed, and the tree above says which: both
 * are carried up until a tile or the root agrees with one. So one changed byte is one finding, at its own place.
 */
import { equalBytes, toHex } from '../bytes.ts';
import { RightEdge } from '../compact-range.ts';
import { foldRight, HASH_LENGTH, type Hash, rootOf } from '../merkle.ts';
import { perfectSubtrees } from '../proof.ts';
import { TILE_WIDTH, tileWidth } from '../tile.ts';
import type { Finding, Findings } from './findings.ts';

/** Where the parts of a tree come from. Nothing in it is believed. */
export interface AuditedTree {
	/**
	 * Leaf hashes of the `width` entries of bundle `index`, recomputed from the entries. Those that cannot be are undefined,
	 * and the source has reported why.
	 */
	leafHashes(index: number, width: number): Promise<readonly (Hash | undefined)[]>;
	/** The first `width` hashes of a tile as they are stored. */
	tile(level: number, index: number, width: number): Promise<TileBytes>;
	/** What a tile is called in findings. */
	tileName(level: number, index: number, width: number): string;
}

/** `missing` is reported by the audit; `unknown`: the source has reported why it cannot tell. */
export type TileBytes = Uint8Array | 'missing' | 'unknown';

export interface TreeAuditOptions {
	readonly size: number;
	readonly root: Hash;
	/** Who says that this is the root, for findings: `the checkpoint`. */
	readonly claimant: string;
	readonly findings: Findings;
	/** Smaller sizes whose roots are wanted too. */
	readonly watch?: readonly number[];
	/** Called after each bundle with the number of entries done. */
	readonly onProgress?: (entries: number) => void;
}

export type WatchedSizes = ReadonlyMap<number, readonly Hash[]>;

/** A difference that the tree above has to decide: what to report when it agrees with either side, or with neither. */
interface Doubt {
	readonly ifComputed: Finding;
	readonly ifStored: Finding;
	readonly ifNeither: Finding;
}

/** One hash on its way up. */
interface Node {
	/** As recomputed; undefined when something below is missing altogether. */
	readonly computed: Hash | undefined;
	/** As the tile below has it, where that is another one. */
	readonly stored?: Hash | undefined;
	readonly doubts: readonly Doubt[];
}

/** A tile after the comparison. */
interface Compared {
	readonly computed: readonly (Hash | undefined)[];
	readonly stored: readonly (Hash | undefined)[];
	readonly doubts: readonly Doubt[];
}

/** Bundles that are fetched ahead: a network answers slower than we hash. */
const LOOKAHEAD = 8;

/** Differences of one tile that are told one by one. */
const MAX_DOUBTS = 8;

/**
 * Returns the roots at the watched sizes: one, or two where entries and tiles differ, or none where nothing is left to
 * tell by. Errors are those of the source.
 */
export async function auditTree(source: AuditedTree, options: TreeAuditOptions): Promise<WatchedSizes> {
	const { size, findings, onProgress } = options;
	const levels: Node[][] = [[]];
	const watched = new WatchedRoots(options.watch ?? [], size);
	for await (const { index, width, hashes, tile } of bundles(source, size)) {
		levels[0] = hashes.map((computed) => ({ computed, doubts: [] }));
		if (width === TILE_WIDTH) await closeTiles(source, levels, index, tile, findings, watched);
		onProgress?.(Math.min(size, index * TILE_WIDTH + width));
	}
	await checkRoot(source, levels, options, watched);
	return watched.roots;
}

/** Compares the full tile that ends with bundle `index`, and those that are completed by it. */
async function closeTiles(
	source: AuditedTree,
	levels: Node[][],
	bundle: number,
	first: TileBytes,
	findings: Findings,
	watched: WatchedRoots,
): Promise<void> {
	let tile = first;
	for (let level = 0, index = bundle; levels[level]?.length === TILE_WIDTH; level++) {
		if (level > 0) tile = await source.tile(level, index, TILE_WIDTH);
		const compared = compareTile(source, { level, index, width: TILE_WIDTH, bytes: tile }, levels[level]!, findings);
		if (level === 0) watched.append(compared);
		levels[level] = [];
		levels[level + 1] ??= [];
		levels[level + 1]!.push(parentOf(compared));
		index = Math.floor(index / TILE_WIDTH);
	}
}

/** The right edge: partial tiles, and the root that all of them make. */
async function checkRoot(
	source: AuditedTree,
	levels: readonly Node[][],
	{ size, root, claimant, findings }: TreeAuditOptions,
	watched: WatchedRoots,
): Promise<void> {
	const edge: Compared[] = [];
	for (const [level, nodes] of levels.entries()) {
		const width = nodes.length;
		const index = Math.floor(size / TILE_WIDTH ** (level + 1));
		const compared =
			width === 0
				? { computed: [], stored: [], doubts: [] }
				: compareTile(source, { level, index, width, bytes: await source.tile(level, index, width) }, nodes, findings);
		edge.push(compared);
		if (level === 0) watched.append(compared);
	}
	// Where a level is in doubt, either side may be right. Few levels, so all combinations are tried, the recomputed first.
	const doubtful = edge.flatMap(({ doubts }, level) => (doubts.length > 0 ? [level] : []));
	for (let choice = 0; choice < 2 ** doubtful.length; choice++) {
		const takesStored = (level: number) => Math.floor(choice / 2 ** doubtful.indexOf(level)) % 2 === 1;
		const hashes = edge.map((tile, level) =>
			doubtful.includes(level) && takesStored(level) ? tile.stored : tile.computed,
		);
		const made = foldEdge(hashes);
		if (!made || !equalBytes(made, root)) continue;
		for (const level of doubtful)
			for (const doubt of edge[level]!.doubts) report(findings, takesStored(level) ? doubt.ifStored : doubt.ifComputed);
		return;
	}
	for (const { doubts } of edge) for (const doubt of doubts) report(findings, doubt.ifNeither);
	const made = foldEdge(edge.map((tile) => tile.computed));
	findings.add(
		'root',
		made
			? `the ${size} entries make root ${toHex(made)}, ${claimant} says root ${toHex(root)}`
			: `it cannot be recomputed: entries are missing, and the tiles that would stand for them too`,
	);
}

/** The hashes of the right edge, one array per level from the lowest, folded into the root. */
function foldEdge(levels: readonly (readonly (Hash | undefined)[])[]): Hash | undefined {
	const subtrees: Hash[] = [];
	for (const hashes of levels.toReversed()) {
		if (hashes.includes(undefined)) return undefined;
		const known = hashes as readonly Hash[];
		for (const { level, index } of perfectSubtrees(0, known.length))
			subtrees.push(rootOf(known.slice(index * 2 ** level, (index + 1) * 2 ** level)));
	}
	return foldRight(subtrees);
}

interface StoredTile {
	readonly level: number;
	readonly index: number;
	readonly width: number;
	readonly bytes: TileBytes;
}

function compareTile(source: AuditedTree, tile: StoredTile, nodes: readonly Node[], findings: Findings): Compared {
	const { level, index, width } = tile;
	const name = source.tileName(level, index, width);
	const hashes = readHashes(tile, name, findings);
	const below = nodes.flatMap((node) => node.doubts);
	// Without the tile, the doubts from below wait for the next level.
	if (!hashes)
		return {
			computed: nodes.map((node) => node.computed ?? node.stored),
			stored: nodes.map((node) => node.stored ?? node.computed),
			doubts: below,
		};
	const computed: (Hash | undefined)[] = [];
	const doubts: Doubt[] = [];
	let differences = 0;
	for (const [offset, node] of nodes.entries()) {
		const hash = hashes[offset]!;
		const isComputed = node.computed !== undefined && equalBytes(hash, node.computed);
		const isStored = node.stored !== undefined && equalBytes(hash, node.stored);
		const isKnown = node.computed !== undefined || node.stored !== undefined;
		for (const doubt of node.doubts)
			report(findings, isComputed ? doubt.ifComputed : isStored ? doubt.ifStored : doubt.ifNeither);
		computed.push(isComputed || isStored || !isKnown ? hash : (node.computed ?? node.stored));
		if (isComputed || isStored || !isKnown) continue;
		differences += 1;
		if (differences <= MAX_DOUBTS) doubts.push(doubtAbout({ source, tile, name, offset, nodes, hashes }));
	}
	if (differences > MAX_DOUBTS) {
		const finding = {
			where: name,
			problem: `${differences - MAX_DOUBTS} more of its ${width} hashes differ from what is below it`,
		};
		doubts.push({ ifComputed: finding, ifStored: finding, ifNeither: finding });
	}
	return { computed, stored: hashes, doubts };
}

function readHashes({ bytes, width }: StoredTile, name: string, findings: Findings): Hash[] | undefined {
	if (bytes === 'unknown') return undefined;
	if (bytes === 'missing') {
		findings.add(name, 'is missing');
		return undefined;
	}
	if (bytes.length !== width * HASH_LENGTH) {
		findings.add(name, `has ${bytes.length} bytes, ${width} hashes have ${width * HASH_LENGTH}`);
		return undefined;
	}
	return Array.from({ length: width }, (_, i) => bytes.subarray(i * HASH_LENGTH, (i + 1) * HASH_LENGTH));
}

/** In words, the difference between hash `offset` of a tile and what was recomputed for it. */
function doubtAbout(at: {
	source: AuditedTree;
	tile: StoredTile;
	name: string;
	offset: number;
	nodes: readonly Node[];
	hashes: readonly Hash[];
}): Doubt {
	const { source, tile, name, offset, nodes, hashes } = at;
	const made = (nodes[offset]!.computed ?? nodes[offset]!.stored)!;
	const stored = toHex(hashes[offset]!);
	const position = tile.index * TILE_WIDTH + offset;
	if (tile.level === 0) {
		const entry = `entry ${position}`;
		const place = hashes.findIndex((hash) => equalBytes(hash, made));
		const hint = place >= 0 ? ` (it is the entry that belongs to index ${position - offset + place})` : '';
		return {
			ifComputed: {
				where: name,
				problem: `hash ${offset} is ${stored}, ${entry} hashes to ${toHex(made)}; the tree above agrees with the entry`,
			},
			ifStored: { where: entry, problem: `its leaf hash is ${toHex(made)}, the tree has ${stored} there${hint}` },
			ifNeither: {
				where: entry,
				problem: `its leaf hash is ${toHex(made)}, ${name} has ${stored} there, and the tree above agrees with neither${hint}`,
			},
		};
	}
	const below = source.tileName(tile.level - 1, position, TILE_WIDTH);
	return {
		ifComputed: {
			where: name,
			problem: `hash ${offset} is ${stored}, ${below} makes ${toHex(made)}; the tree above agrees with the latter`,
		},
		ifStored: { where: below, problem: `its hashes make ${toHex(made)}, ${name} has ${stored} for it` },
		ifNeither: {
			where: name,
			problem: `hash ${offset} is ${stored}, ${below} makes ${toHex(made)}, and the tree above agrees with neither`,
		},
	};
}

function parentOf({ computed, stored, doubts }: Compared): Node {
	const root = rootOrUndefined(computed);
	const other = doubts.length > 0 ? rootOrUndefined(stored) : undefined;
	return { computed: root, stored: other, doubts };
}

function rootOrUndefined(hashes: readonly (Hash | undefined)[]): Hash | undefined {
	return hashes.includes(undefined) ? undefined : rootOf(hashes as readonly Hash[]);
}

function report(findings: Findings, { where, problem }: Finding): void {
	findings.add(where, problem);
}

interface LoadedBundle {
	readonly index: number;
	readonly width: number;
	readonly hashes: readonly (Hash | undefined)[];
	/** The tile of level 0 over it; of a partial one, it is read at the end. */
	readonly tile: TileBytes;
}

/** The bundles in order, a few fetched ahead. */
async function* bundles(source: AuditedTree, size: number): AsyncGenerator<LoadedBundle> {
	const load = async (index: number): Promise<LoadedBundle> => {
		const width = tileWidth(0, index, size);
		const [hashes, tile] = await Promise.all([
			source.leafHashes(index, width),
			width === TILE_WIDTH ? source.tile(0, index, width) : ('unknown' as const),
		]);
		return { index, width, hashes, tile };
	};
	const count = Math.ceil(size / TILE_WIDTH);
	const ahead: Promise<LoadedBundle>[] = [];
	for (let index = 0; index < count; index++) {
		for (let next = index + ahead.length; ahead.length < LOOKAHEAD && next < count; next++) {
			const loading = load(next);
			// Its failure is thrown when its turn comes; until then it must not count as unhandled.
			loading.catch(() => undefined);
			ahead.push(loading);
		}
		yield (await ahead.shift())!;
	}
}

/**
 * Roots of earlier trees. Where entries and tiles differ there are two, because it is not known yet which are right: the
 * root of what was recomputed, and the root of what is stored.
 */
class WatchedRoots {
	readonly roots = new Map<number, Hash[]>();
	readonly #wanted: ReadonlySet<number>;
	#edges: RightEdge[];

	constructor(sizes: readonly number[], size: number) {
		this.#wanted = new Set(sizes.filter((wanted) => wanted <= size));
		this.#edges = this.#wanted.size > 0 ? [RightEdge.empty()] : [];
		this.#note();
	}

	append({ computed, stored, doubts }: Compared): void {
		if (doubts.length > 0 && this.#edges.length === 1) this.#edges.push(this.#edges[0]!.clone());
		for (const [i, hash] of computed.entries()) {
			const hashes = [hash, stored[i] ?? hash];
			// Beyond an entry of which nothing is left no root can be told.
			if (hashes.includes(undefined)) this.#edges = [];
			for (const [side, edge] of this.#edges.entries()) edge.append(hashes[side]!);
			this.#note();
		}
	}

	#note(): void {
		const [edge] = this.#edges;
		if (!edge || !this.#wanted.has(edge.size)) return;
		this.roots.set(
			edge.size,
			this.#edges.map((one) => one.root()),
		);
	}
}
