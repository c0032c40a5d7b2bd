/**
 * A log without a database, as large as a test wants it, and a judge of what was exported of it. Both are made of the
 * naive tree: nothing of the engine is in here.
 */
import { NaiveTree, naiveLeafHash } from './naive-tree.ts';

export const ORIGIN = 'log.example/exported';

/** Leaf of entry `index` in the history that is called `branch`. */
function leafOf(branch: string, index: number): Uint8Array {
	return new TextEncoder().encode(`${branch} ${index}`);
}

export class SyntheticLog {
	readonly tree: NaiveTree;
	readonly branch: string;
	/** Published size. */
	size = 0;
	/** How often it was asked for a tile or a bundle. */
	reads = 0;

	constructor(maxSize: number, branch = 'main', forkAt = maxSize) {
		this.branch = branch;
		this.tree = new NaiveTree(
			Array.from({ length: maxSize }, (_, i) => naiveLeafHash(leafOf(i < forkAt ? 'main' : branch, i))),
		);
		this.forkAt = forkAt;
	}

	readonly forkAt: number;

	note(size: number): Uint8Array {
		const root = Buffer.from(this.tree.root(size)).toString('base64');
		return new TextEncoder().encode(`${ORIGIN}\n${size}\n${root}\n\n\u2014 ${ORIGIN} c2lnbmF0dXJl\n`);
	}

	async published() {
		const { size } = this;
		return { size, root: this.tree.root(size), timestampMs: size, note: this.note(size) };
	}

	async rootAt(size: number) {
		return this.tree.root(size);
	}

	async tile(level: number, index: number, width: number) {
		this.reads++;
		return this.tree.tile(level, index, width);
	}

	async entryBundle(index: number, width: number) {
		this.reads++;
		return this.bundle(index, width);
	}

	bundle(index: number, width: number): Uint8Array {
		const parts: Uint8Array[] = [];
		for (let i = index * 256; i < index * 256 + width; i++) {
			const leaf = leafOf(i < this.forkAt ? 'main' : this.branch, i);
			parts.push(Uint8Array.of(leaf.length >> 8, leaf.length & 255), leaf);
		}
		return new Uint8Array(Buffer.concat(parts));
	}
}

export type ReadExported = (path: string) => Promise<Uint8Array | undefined>;

/**
 * What a reader of the store finds: the size that its checkpoint states (undefined: none), after everything below it was
 * compared. Throws on the first object that is missing or wrong.
 */
export async function shownSize(read: ReadExported, log: SyntheticLog): Promise<number | undefined> {
	const note = await read('checkpoint');
	if (!note) return undefined;
	const size = Number(new TextDecoder().decode(note).split('\n')[1]);
	same(note, log.note(size), 'checkpoint');
	for (let level = 0, hashes = size; hashes > 0; level++, hashes = Math.floor(hashes / 256))
		for (let index = 0; index * 256 < hashes; index++) {
			const width = Math.min(256, hashes - index * 256);
			const name = `${spelled(index)}${width < 256 ? `.p/${width}` : ''}`;
			same(await read(`tile/${level}/${name}`), log.tree.tile(level, index, width), `tile/${level}/${name}`);
			if (level === 0) same(await read(`tile/entries/${name}`), log.bundle(index, width), `tile/entries/${name}`);
		}
	return size;
}

/** c2sp.org/tlog-tiles for indexes below a million. */
function spelled(index: number): string {
	const digits = String(index).padStart(6, '0');
	return index < 1000 ? digits.slice(3) : `x${digits.slice(0, 3)}/${digits.slice(3)}`;
}

function same(found: Uint8Array | undefined, expected: Uint8Array, what: string): void {
	if (!found) throw new Error(`${what} is missing below the checkpoint`);
	if (Buffer.compare(found, expected) !== 0) throw new Error(`${what} is wrong`);
}
