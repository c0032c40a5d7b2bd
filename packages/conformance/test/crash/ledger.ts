/**
 * Everything that clients were ever told about one log: each acknowledgement and each signed tree. What is contradicted
 * by something told before is found at once; the rest is for the judge.
 */
import { type SignedTree, Violation } from './signed-trees.ts';

export interface Acknowledgement {
	/** Undefined on the CT wire, which does not say it. */
	readonly index: number | undefined;
	/** Hex. */
	readonly leafHash: string;
	/** The SET or SCT signature in base64; empty on the v2 wire, which has none. */
	readonly receipt: string;
	/** integratedTime in seconds on the v1 wire, milliseconds on the CT wire, 0 on the v2 wire. */
	readonly time: number;
}

export class Ledger {
	readonly name: string;
	/** By the trace of the proposal. */
	readonly #byProposal = new Map<string, Acknowledgement>();
	readonly #byLeaf = new Map<string, Acknowledgement>();
	readonly #byIndex = new Map<number, string>();
	readonly #roots = new Map<number, string>();
	#unjudged: Acknowledgement[] = [];
	#unjudgedTrees: SignedTree[] = [];
	readonly #all: Acknowledgement[] = [];
	#largest = 0;
	repeats = 0;
	#onAcknowledged: { sentAfterMs: number; resolve: () => void }[] = [];

	constructor(name: string) {
		this.name = name;
	}

	/** First acknowledgements, in the order they came. */
	get acknowledged(): readonly Acknowledgement[] {
		return this.#all;
	}

	/** How many different signed trees clients have received. */
	get trees(): number {
		return this.#roots.size;
	}

	/** Size of the largest tree that anyone was ever shown. */
	get largest(): number {
		return this.#largest;
	}

	/**
	 * @param sentAtMs when the request that was answered so had been sent (performance.now).
	 * @throws {Violation} when the proposal, the leaf or the index was acknowledged otherwise before.
	 */
	acknowledge(trace: string, next: Acknowledgement, sentAtMs: number): void {
		const before = this.#byProposal.get(trace);
		if (before) {
			this.repeats += 1;
			for (const field of ['index', 'leafHash', 'receipt', 'time'] as const)
				if (before[field] !== next[field])
					throw new Violation(`${this.name}: a repeat got ${field} ${next[field]}, the first had ${before[field]}`);
		} else {
			if (this.#byLeaf.has(next.leafHash))
				throw new Violation(`${this.name}: two proposals got the leaf ${next.leafHash}`);
			if (next.index !== undefined) {
				const other = this.#byIndex.get(next.index);
				if (other !== undefined)
					throw new Violation(`${this.name}: index ${next.index} was given to ${other} and ${next.leafHash}`);
				this.#byIndex.set(next.index, next.leafHash);
			}
			this.#byProposal.set(trace, next);
			this.#byLeaf.set(next.leafHash, next);
			this.#all.push(next);
			this.#unjudged.push(next);
		}
		this.#onAcknowledged = this.#onAcknowledged.filter(({ sentAfterMs, resolve }) => {
			if (sentAtMs < sentAfterMs) return true;
			resolve();
			return false;
		});
	}

	/** @throws {Violation} for two roots of one size. */
	sawTree(tree: SignedTree): void {
		const { size, root } = tree;
		const known = this.#roots.get(size);
		if (known === root) return;
		if (known !== undefined)
			throw new Violation(`${this.name}: size ${size} was signed with roots ${known} and ${root}`);
		this.#roots.set(size, root);
		this.#unjudgedTrees.push(tree);
		this.#largest = Math.max(this.#largest, size);
	}

	/** What was promised about a leaf (hex), if anything was. */
	promiseOf(leafHash: string): Acknowledgement | undefined {
		return this.#byLeaf.get(leafHash);
	}

	/** What was acknowledged since the last call. */
	takeAcknowledged(): Acknowledgement[] {
		const taken = this.#unjudged;
		this.#unjudged = [];
		return taken;
	}

	/** Trees of at most `size` leaves that were not taken before. */
	takeTrees(size: number): SignedTree[] {
		const taken = this.#unjudgedTrees.filter((tree) => tree.size <= size);
		this.#unjudgedTrees = this.#unjudgedTrees.filter((tree) => tree.size > size);
		return taken;
	}

	/** All trees ever seen, for the last look. */
	allTrees(): SignedTree[] {
		return [...this.#roots].map(([size, root]) => ({ size, root }));
	}

	/** Resolves with the first acknowledgement whose request was sent after this moment (performance.now). */
	acknowledgedAfter(sentAfterMs: number): Promise<void> {
		return new Promise((resolve) => this.#onAcknowledged.push({ sentAfterMs, resolve }));
	}
}
