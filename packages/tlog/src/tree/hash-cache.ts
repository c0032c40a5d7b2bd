/**
 * Hashes and tiles in memory, bounded. Everything in here is final: a perfect subtree never changes. The one exception
 * is a database that went back behind what this process saw, and then `clear` is called.
 */
import type { Hash } from '@chancery/core/merkle';
import type { NodeId } from '@chancery/core/proof';

const MAX_NODES = 65_536;
const MAX_TILES = 512;

/** Forgets the older half when full: two maps, of which the younger is filled and both are asked. */
class TwoGenerations<V> {
	readonly #half: number;
	#young = new Map<string, V>();
	#old = new Map<string, V>();

	constructor(capacity: number) {
		this.#half = capacity / 2;
	}

	get(key: string): V | undefined {
		const young = this.#young.get(key);
		if (young !== undefined) return young;
		const old = this.#old.get(key);
		// What is still asked for moves to the younger generation and survives.
		if (old !== undefined) this.set(key, old);
		return old;
	}

	set(key: string, value: V): void {
		this.#young.set(key, value);
		if (this.#young.size < this.#half) return;
		this.#old = this.#young;
		this.#young = new Map();
	}

	clear(): void {
		this.#young.clear();
		this.#old.clear();
	}
}

export class HashCache {
	readonly #nodes = new TwoGenerations<Hash>(MAX_NODES);
	readonly #tiles = new TwoGenerations<Uint8Array>(MAX_TILES);

	node({ level, index }: NodeId): Hash | undefined {
		return this.#nodes.get(`${level}:${index}`);
	}

	addNode(level: number, index: number, hash: Hash): void {
		this.#nodes.set(`${level}:${index}`, hash);
	}

	/** Bytes of a full tile. */
	tile(level: number, index: number): Uint8Array | undefined {
		return this.#tiles.get(`${level}:${index}`);
	}

	addTile(level: number, index: number, bytes: Uint8Array): void {
		this.#tiles.set(`${level}:${index}`, bytes);
	}

	clear(): void {
		this.#nodes.clear();
		this.#tiles.clear();
	}
}
