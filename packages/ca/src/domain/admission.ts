/**
 * Which requests are worked on now, which wait for their turn, and which are told to come back. Work that is begun takes
 * as long as signer, database and log take; without a bound a rush would make all of it too slow for all its clients.
 *
 * Only requests with a verified token come here. Nobody waits for a turn that comes after the client has given up, or
 * after the token has ended.
 */
import { refuse } from './refusal.ts';

export interface AdmissionLimits {
	/** Issuances under way, when each is quick. */
	readonly maxRunning: number;
	/** Requests that wait for one to end. Together they stay below what the listener works on, so that reads have places. */
	readonly maxWaiting: number;
	readonly maxWaitMs: number;
}

export const DEFAULT_ADMISSION: AdmissionLimits = { maxRunning: 64, maxWaiting: 192, maxWaitMs: 5_000 };

/** Weight of the latest issuance in the mean of how long they take. */
const WEIGHT = 1 / 16;
/** While issuances take longer than this on average, fewer are begun at once: side by side they only slow each other down. */
const COMFORTABLE_MS = 1_000;
const FEWEST = 8;

export class Admission {
	readonly #limits: AdmissionLimits;
	readonly #waiting = new Set<() => void>();
	#running = 0;
	#meanMs = 0;

	constructor(limits: AdmissionLimits) {
		this.#limits = limits;
	}

	/**
	 * Runs `work` in its turn. `usefulForMs`: how long from now its token is accepted.
	 * @throws DomainError `ca-overloaded`, or whatever `work` throws
	 */
	async run<T>(usefulForMs: number, work: () => Promise<T>): Promise<T> {
		if (this.#running < this.#capacity()) this.#running++;
		else await this.#turn(usefulForMs);
		const startedMs = performance.now();
		try {
			return await work();
		} finally {
			this.#meanMs += (performance.now() - startedMs - this.#meanMs) * WEIGHT;
			this.#running--;
			this.#beginNext();
		}
	}

	#capacity(): number {
		const { maxRunning } = this.#limits;
		const bearable = Math.floor((maxRunning * COMFORTABLE_MS) / Math.max(this.#meanMs, COMFORTABLE_MS));
		return Math.max(Math.min(FEWEST, maxRunning), bearable);
	}

	/** Resolves when a place has become free and is this request's. */
	#turn(usefulForMs: number): Promise<void> {
		const { maxWaiting, maxWaitMs } = this.#limits;
		const patienceMs = Math.min(maxWaitMs, usefulForMs);
		if (this.#waiting.size >= maxWaiting) throw overloaded(this.#meanMs, usefulForMs);
		return new Promise((resolve, reject) => {
			const begin = () => {
				clearTimeout(timer);
				resolve();
			};
			const timer = setTimeout(() => {
				this.#waiting.delete(begin);
				reject(overloaded(this.#meanMs, usefulForMs - patienceMs));
			}, patienceMs);
			this.#waiting.add(begin);
		});
	}

	/** In the order in which they came. */
	#beginNext(): void {
		for (const begin of this.#waiting) {
			if (this.#running >= this.#capacity()) return;
			this.#waiting.delete(begin);
			this.#running++;
			begin();
		}
	}
}

function overloaded(meanMs: number, usefulForMs: number): Error {
	const retryAfterSeconds = 1 + Math.ceil(Math.min(meanMs, DEFAULT_ADMISSION.maxWaitMs) / 1000);
	const hint =
		usefulForMs > retryAfterSeconds * 1000 ? 'try again' : 'try again with a new token, for this one ends before that';
	return refuse('ca-overloaded', hint, { retryAfterSeconds });
}
