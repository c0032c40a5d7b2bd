/**
 * The Merkle tree of RFC 9162 section 2.1. Written again, so that it shares no code with the servers.
 */
import { hash } from 'node:crypto';

/** Lower-case hex of a hash. */
export type HexHash = string;

export function leafHash(leaf: Uint8Array): Buffer {
	return hash('sha256', Buffer.concat([Buffer.of(0), leaf]), 'buffer');
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
	return hash('sha256', Buffer.concat([Buffer.of(1), left, right]), 'buffer');
}

/** The root that follows from an inclusion proof (section 2.1.3.2); undefined when its length is wrong. */
export function rootFromInclusion(
	index: number,
	size: number,
	leaf: Uint8Array,
	proof: readonly Uint8Array[],
): Buffer | undefined {
	if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size)) return undefined;
	let fn = BigInt(index);
	let sn = BigInt(size) - 1n;
	let root: Buffer = Buffer.from(leaf);
	for (const step of proof) {
		if (sn === 0n) return undefined;
		if (fn % 2n === 1n || fn === sn) {
			root = nodeHash(step, root);
			while (fn % 2n === 0n && fn !== 0n) {
				fn /= 2n;
				sn /= 2n;
			}
		} else root = nodeHash(root, step);
		fn /= 2n;
		sn /= 2n;
	}
	return sn === 0n ? root : undefined;
}

/** Whether the tree of `second` continues that of `first` (section 2.1.4.2). */
export function isConsistent(
	first: { readonly size: number; readonly root: HexHash },
	second: { readonly size: number; readonly root: HexHash },
	proof: readonly Uint8Array[],
): boolean {
	if (first.size === second.size) return first.root === second.root && proof.length === 0;
	if (first.size === 0 || first.size > second.size) return false;
	const isPower = (first.size & (first.size - 1)) === 0;
	const path = isPower ? [Buffer.from(first.root, 'hex'), ...proof] : [...proof];
	const start = path.shift();
	if (start === undefined) return false;
	let fn = BigInt(first.size) - 1n;
	let sn = BigInt(second.size) - 1n;
	while (fn % 2n === 1n) {
		fn /= 2n;
		sn /= 2n;
	}
	let firstRoot: Buffer = Buffer.from(start);
	let secondRoot: Buffer = Buffer.from(start);
	for (const step of path) {
		if (sn === 0n) return false;
		if (fn % 2n === 1n || fn === sn) {
			firstRoot = nodeHash(step, firstRoot);
			secondRoot = nodeHash(step, secondRoot);
			while (fn % 2n === 0n && fn !== 0n) {
				fn /= 2n;
				sn /= 2n;
			}
		} else secondRoot = nodeHash(secondRoot, step);
		fn /= 2n;
		sn /= 2n;
	}
	return sn === 0n && firstRoot.toString('hex') === first.root && secondRoot.toString('hex') === second.root;
}

/** A tree that grows leaf by leaf: roots of its perfect subtrees, the largest first. */
export class GrowingTree {
	#size = 0;
	readonly #peaks: { readonly height: number; readonly hash: Buffer }[] = [];

	get size(): number {
		return this.#size;
	}

	append(leaf: Buffer): void {
		let node = { height: 0, hash: leaf };
		for (let last = this.#peaks.at(-1); last?.height === node.height; last = this.#peaks.at(-1)) {
			this.#peaks.pop();
			node = { height: node.height + 1, hash: nodeHash(last.hash, node.hash) };
		}
		this.#peaks.push(node);
		this.#size += 1;
	}

	root(): HexHash {
		const [smallest, ...larger] = this.#peaks.map(({ hash }) => hash).reverse();
		if (smallest === undefined) return hash('sha256', '', 'hex');
		return larger.reduce((right, left) => nodeHash(left, right), smallest).toString('hex');
	}
}
