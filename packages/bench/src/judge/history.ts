/**
 * What a log has said so far, over all answers: an index has one leaf, a size one root, and every checkpoint is a state
 * of one and the same growing tree.
 */
import type { JudgedAnswer } from './answers.ts';
import type { TreeHead } from './checkpoint.ts';
import { GrowingTree, type HexHash, leafHash } from './merkle.ts';

export class LogHistory {
	readonly #leaves = new Map<number, Buffer>();
	/** Of the sizes that the tree has not reached yet. */
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

	/** Remembers a verified answer. Complains when it contradicts an earlier one. */
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
	 * Builds the tree from the answered leaves as far as they reach without a gap and compares the root of every
	 * checkpoint on the way. To be called when nothing is under way. Returns complaints.
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

	/** Whether every leaf of the newest checkpoint was answered to us, and all of them went through `replay`. */
	get isComplete(): boolean {
		return this.#last !== undefined && this.#leaves.size === 0 && this.#tree.size === this.#last.size;
	}
}
