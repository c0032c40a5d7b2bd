/** Shows how much of a large file has been read, for people at a terminal. */
import { terminal } from './terminal.ts';

/** A file that is read within a second needs no progress. */
const FIRST_AFTER_MS = 1000;
const THEN_EVERY_MS = 200;

export class ByteProgress implements Disposable {
	readonly #name: string;
	readonly #totalBytes: number | undefined;
	readonly #isShown: boolean;
	#doneBytes = 0;
	#nextAt = performance.now() + FIRST_AFTER_MS;

	constructor(name: string, totalBytes: number | undefined, isQuiet: boolean) {
		this.#name = name;
		this.#totalBytes = totalBytes;
		this.#isShown = !isQuiet && terminal.isForPeople;
	}

	add(bytes: number): void {
		this.#doneBytes += bytes;
		if (!this.#isShown || performance.now() < this.#nextAt) return;
		this.#nextAt = performance.now() + THEN_EVERY_MS;
		const done = megabytes(this.#doneBytes);
		terminal.transient(
			this.#totalBytes
				? `reading ${this.#name}: ${Math.floor((100 * this.#doneBytes) / this.#totalBytes)} % (${done} of ${megabytes(this.#totalBytes)} MB)`
				: `reading ${this.#name}: ${done} MB`,
		);
	}

	[Symbol.dispose](): void {
		if (this.#isShown) terminal.transient('');
	}
}

function megabytes(bytes: number): string {
	return String(Math.floor(bytes / 1_000_000));
}
