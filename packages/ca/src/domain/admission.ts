/**
 * Which requests are worked on now, which wait for their turn, and which are told to come back. Work that is begun takes
 * as long as signer, database and log take; without a bound a rush would make all of it too slow for all its clients.
 *
 * Only requests with a verified token come here, and their identities and issuers share the places. Nobody waits for a turn
 * that comes after the client has given up, or after the token has ended.
 */
import { HolderShares, type TokenHolder } from './holder-shares.ts';
import { HolderTurns, type Waiting } from './holder-turns.ts';
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
	readonly #running: HolderShares;
	readonly #waiting: HolderShares;
	readonly #turns = new HolderTurns();
	#meanMs = 0;

	/** `issuerCount`: how many issuers share the places. */
	constructor(limits: AdmissionLimits, issuerCount: number) {
		this.#limits = limits;
		this.#running = new HolderShares(issuerCount);
		this.#waiting = new HolderShares(issuerCount);
	}

	/**
	 * Runs `work` in its turn. `holder`: whose share it takes; `usefulForMs`: how long from now its token is accepted.
	 * @throws {DomainError} `ca-overloaded`, or whatever `work` throws
	 */
	async run<T>(holder: TokenHolder, usefulForMs: number, work: () => Promise<T>): Promise<T> {
		// Nobody is overtaken: whoever waits could not begin either when a place was last given back.
		if (this.#running.mayTake(holder, this.#capacity())) this.#running.take(holder);
		else await this.#turn(holder, usefulForMs);
		const startedMs = performance.now();
		try {
			return await work();
		} finally {
			this.#meanMs += (performance.now() - startedMs - this.#meanMs) * WEIGHT;
			this.#running.giveBack(holder);
			this.#beginNext();
		}
	}

	#capacity(): number {
		const { maxRunning } = this.#limits;
		const bearable = Math.floor((maxRunning * COMFORTABLE_MS) / Math.max(this.#meanMs, COMFORTABLE_MS));
		return Math.max(Math.min(FEWEST, maxRunning), bearable);
	}

	/** Resolves when a place has become free and is this request's. */
	#turn(holder: TokenHolder, usefulForMs: number): Promise<void> {
		const { maxWaiting, maxWaitMs } = this.#limits;
		const patienceMs = Math.min(maxWaitMs, usefulForMs);
		if (!this.#waiting.mayTake(holder, maxWaiting)) throw overloaded(this.#meanMs, usefulForMs);
		return new Promise((resolve, reject) => {
			const waiting: Waiting = {
				holder,
				begin: () => {
					clearTimeout(timer);
					resolve();
				},
			};
			const timer = setTimeout(() => {
				this.#turns.remove(waiting);
				this.#waiting.giveBack(holder);
				reject(overloaded(this.#meanMs, usefulForMs - patienceMs));
			}, patienceMs);
			this.#turns.add(waiting);
			this.#waiting.take(holder);
		});
	}

	#beginNext(): void {
		const mayBegin = (holder: TokenHolder) => this.#running.mayTake(holder, this.#capacity());
		for (let next = this.#turns.next(mayBegin); next; next = this.#turns.next(mayBegin)) {
			this.#waiting.giveBack(next.holder);
			this.#running.take(next.holder);
			next.begin();
		}
	}
}

function overloaded(meanMs: number, usefulForMs: number): Error {
	const retryAfterSeconds = 1 + Math.ceil(Math.min(meanMs, DEFAULT_ADMISSION.maxWaitMs) / 1000);
	const hint =
		usefulForMs > retryAfterSeconds * 1000 ? 'try again' : 'try again with a new token, for this one ends before that';
	return refuse('ca-overloaded', hint, { retryAfterSeconds });
}
