/**
 * Which requests are worked on now, which wait for their turn, and which are told to come back. Work that is begun takes
 * as long as signer, database and log take; without a bound a rush would make all of it too slow for all its clients.
 *
 * Only requests with a verified token come here. A place in the queue is not worth having when the turn would come after
 * the client has given up, or after its token has ended: that is foretold from how long recent work took, and refused at
 * once.
 */
import { refuse } from './refusal.ts';

export interface AdmissionLimits {
	/** Issuances under way. */
	readonly maxRunning: number;
	/** Requests that wait for one to end. Together they stay below what the listener works on, so that reads have places. */
	readonly maxWaiting: number;
	readonly maxWaitMs: number;
}

export const DEFAULT_ADMISSION: AdmissionLimits = { maxRunning: 64, maxWaiting: 192, maxWaitMs: 5_000 };

/** Weight of the latest issuance in the mean of how long they take. */
const WEIGHT = 1 / 16;

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
		if (this.#running < this.#limits.maxRunning) this.#running++;
		else await this.#turn(usefulForMs);
		const startedMs = performance.now();
		try {
			return await work();
		} finally {
			this.#meanMs += (performance.now() - startedMs - this.#meanMs) * WEIGHT;
			this.#next();
		}
	}

	/** Resolves when the place of another request has been handed over. */
	#turn(usefulForMs: number): Promise<void> {
		const { maxRunning, maxWaiting, maxWaitMs } = this.#limits;
		const expectedMs = ((this.#waiting.size + 1) * this.#meanMs) / maxRunning;
		const patienceMs = Math.min(maxWaitMs, usefulForMs);
		if (this.#waiting.size >= maxWaiting || expectedMs > patienceMs) throw overloaded(expectedMs, usefulForMs);
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

	/** Hands the place to whoever waits longest, or gives it back. */
	#next(): void {
		const [first] = this.#waiting;
		if (!first) {
			this.#running--;
			return;
		}
		this.#waiting.delete(first);
		first();
	}
}

function overloaded(expectedMs: number, usefulForMs: number): Error {
	const retryAfterSeconds = 1 + Math.ceil(Math.min(expectedMs, DEFAULT_ADMISSION.maxWaitMs) / 1000);
	const hint =
		usefulForMs > retryAfterSeconds * 1000 ? 'try again' : 'try again with a new token, for this one ends before that';
	return refuse('ca-overloaded', hint, { retryAfterSeconds });
}
