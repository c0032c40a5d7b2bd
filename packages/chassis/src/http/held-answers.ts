/**
 * Bounds the bytes of answers that wait for their clients, over all connections of a listener: an answer stays in memory
 * until its client has taken it, and clients times answers is more than a machine has.
 *
 * Small answers are not counted: one of each per connection is what a machine has. One client can never fill the bound
 * alone, so that others still get large answers while somebody takes none of his.
 */

import { Tally } from './tally.ts';

/** Answers up to this length are always sent. */
const UNCOUNTED_BYTES = 64 * 1024;
/** The share of one client, when there are others. */
const SHARE = 1 / 2;

export class HeldAnswers {
	readonly #maxBytes: number;
	readonly #uncountedBytes: number;
	readonly #byClient = new Tally();
	#bytes = 0;

	constructor(maxBytes: number, uncountedBytes: number = UNCOUNTED_BYTES) {
		this.#maxBytes = maxBytes;
		this.#uncountedBytes = uncountedBytes;
	}

	counts(bytes: number): boolean {
		return bytes > this.#uncountedBytes;
	}

	hasRoom(client: string, bytes: number): boolean {
		const ofClient = this.#byClient.of(client);
		const fits = this.#bytes + bytes <= this.#maxBytes && ofClient + bytes <= this.#maxBytes * SHARE;
		return fits || this.#bytes === 0;
	}

	/**
	 * Room for an answer of `bytes`, which count, to `client`: what gives it back, to be called once when the answer has left or its
	 * connection has ended. Undefined when there is none. An answer longer than the bound goes out alone.
	 */
	take(client: string, bytes: number): (() => void) | undefined {
		if (!this.hasRoom(client, bytes)) return undefined;
		this.#bytes += bytes;
		this.#byClient.add(client, bytes);
		return () => {
			this.#bytes -= bytes;
			this.#byClient.take(client, bytes);
		};
	}
}
