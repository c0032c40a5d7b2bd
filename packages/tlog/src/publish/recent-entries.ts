/**
 * The entries that this process has stored and not yet seen published. They spare the publication a read.
 *
 * What it guards: memory. What is too much to remember is read back from the database.
 */
import type { ReceiptInput } from '../entry.ts';

export class RecentEntries {
	readonly #maxBytes: number;
	/** In the order of their indexes: batches are told of in the order in which they committed. */
	readonly #entries = new Map<number, ReceiptInput>();
	#bytes = 0;

	constructor(maxBytes: number) {
		this.#maxBytes = maxBytes;
	}

	get(index: number): ReceiptInput | undefined {
		return this.#entries.get(index);
	}

	add(entry: ReceiptInput): void {
		const bytes = bytesOf(entry);
		if (this.#bytes + bytes > this.#maxBytes) return;
		this.#entries.set(entry.index, entry);
		this.#bytes += bytes;
	}

	/** Entries below `size` are published. */
	dropBelow(size: number): void {
		for (const [index, entry] of this.#entries) {
			if (index >= size) break;
			this.#entries.delete(index);
			this.#bytes -= bytesOf(entry);
		}
	}

	/** The database has turned out to have another history than the one in which they were stored. */
	clear(): void {
		this.#entries.clear();
		this.#bytes = 0;
	}
}

function bytesOf({ leaf, extra }: ReceiptInput): number {
	return leaf.length + (extra?.length ?? 0);
}
