/**
 * Everything that a log has stated so far, over all answers: an index has one leaf, a size has one root, and every checkpoint is a
 * state of the same growing tree.
 */
import type { JudgedAnswer } from './answers.ts';
import type { TreeHead } from './checkpoint.ts';
import { GrowingTree, type HexHash, leafHash } from './merkle.ts';

export class LogHistory {
	readonly #leaves = new Map<number, Buffer>();
	/** Checkpoints of sizes that the tree has not reached yet. */
	readonly #roots = new Map<number, HexHash>();
	readonly #tree = new GrowingTree();
	#first: TreeHead | undefined;
	#last: TreeHead | undefined;

	/** Oldest and newest checkpoint of all that were seen. */
	get first(): TreeHead | undefined {
		return this.#first;
	}

	get last(): TreeHead | undefined {
		return this.#last;
	}

	/** The leaf at index 0 of a log that begins with one of its own. */
	addSeed(leaf: Uint8Array): void {
		this.#leaves.set(0, leafHash(leaf));
	}

	/** Stores a verified answer. Returns a complaint when it contradicts an earlier one. */
	add({ index, leaf, head }: JudgedAnswer): string[] {
		const complaints: string[] = [];
		const known = this.#roots.get(head.size);
		if (known !== undefined && known !== head.root)
			complaints.push(`two roots for size ${head.size}: ${known}, ${head.root}`);
		this.#roots.set(head.size, head.root);
		if (this.#first === undefined || head.size < this.#first.size) this.#first = head;
		if (this.#last === undefined || head.size > this.#last.size) this.#last = head;
		if (index < this.#tree.size || this.#leaves.has(index)) complaints.push(`index ${index} was given out twice`);
		else this.#leaves.set(index, leafHash(leaf));
		return complaints;
	}

	/**
	 * Builds the tree from the answered leaves, up to the first gap, and compares the root of every checkpoint on the way. Call it
	 * only when no request is in progress. Returns complaints.
	 */
	replay(): string[] {
		const complaints: string[] = [];
		for (let leaf = this.#leaves.get(this.#tree.size); leaf; leaf = this.#leaves.get(this.#tree.size)) {
			this.#leaves.delete(this.#tree.size);
			this.#tree.append(leaf);
			const stated = this.#roots.get(this.#tree.size);
			if (stated === undefined) continue;
			const root = this.#tree.root();
			if (stated !== root)
				complaints.push(`the checkpoint of size ${this.#tree.size} has root ${stated}, its leaves make ${root}`);
		}
		return complaints;
	}

	/** Whether we got an answer for every leaf of the newest checkpoint, and `replay` has used all of them. */
	get isComplete(): boolean {
		return this.#last !== undefined && this.#leaves.size === 0 && this.#tree.size === this.#last.size;
	}
}
