/**
 * The place where the logs verify what strangers have signed: a queue that knows what each check costs, and threads that
 * empty it.
 *
 * Anybody may ask for a check, and each costs CPU time that somebody else does not get. So what waits is bounded by the
 * work in it, not by the number of its items; every kind of key has a part of the bound and of the time that no other
 * kind can take from it; and a submission that would exceed its bound is refused at once and told when to come back.
 *
 * A single cheap check, when nothing else waits, is made on the event loop: a thread would cost it more time than it
 * takes. Everything else is made by worker threads, and the event loop serves requests meanwhile.
 */
import { chooseDigestBackend } from '../digest/digest-backend.ts';
import type { EcdsaBackendName } from '../digest/ecdsa-backend.ts';
import { costOf, SHARES, type Share } from './check-cost.ts';
import { CheckError } from './check-error.ts';
import type { BatchResults, CheckThread } from './check-thread.ts';
import { CheckThreads } from './check-threads.ts';
import { type CheckWork, runWork } from './check-work.ts';
import { FairQueue } from './fair-queue.ts';
import type { ChainCheck, SignatureCheck } from './signature-check.ts';

/**
 * Whether everything in the check verifies.
 * @throws {CheckError} `overloaded` when too much work is waiting, `unavailable` when a check was not carried out
 */
export type CheckSignature = (check: SignatureCheck | ChainCheck) => Promise<boolean>;

export interface SignatureChecksStatus {
	/** Estimated work that waits or runs, in milliseconds. */
	readonly queuedMs: number;
	/** Checks that were refused since the start because too much work was waiting. */
	readonly refused: number;
	/** How ECDSA over digests is verified. */
	readonly backend: EcdsaBackendName;
	/** Most threads that there may be. */
	readonly threads: number;
	/** Threads that crashed or hung and were given up, since the start, and what the last one did. */
	readonly lostThreads: number;
	readonly lastLoss: string | undefined;
}

export interface SignatureChecks {
	readonly check: CheckSignature;
	status(): SignatureChecksStatus;
	/** Ends the threads; what still waits is answered `unavailable`. */
	close(): Promise<void>;
}

export interface SignatureChecksOptions {
	/** Bound of the estimated work that waits or runs. */
	readonly maxQueuedMs: number;
	/** Default: the fastest that passes its self-test. */
	readonly backend?: EcdsaBackendName;
	/** Default: one less than the cores, at least 1. 0: everything on the event loop. */
	readonly threads?: number;
	/** For tests: another module for the threads, and how long one may be silent. */
	readonly threadModule?: URL;
	readonly threadSilenceMs?: number;
}

interface Waiting {
	readonly work: CheckWork;
	readonly costMs: number;
	readonly share: Share;
	readonly resolve: (verifies: boolean) => void;
	readonly reject: (error: Error) => void;
}

/** This part of the bound belongs to the shares, each to one of them; the rest is for whoever comes first. */
const RESERVED_PART = 1 / 4;
/** What may be made on the event loop while there are threads. */
const CHEAP_MS = 0.5;
/** The event loop checks for so long at a stretch. */
const TURN_MS = 2;
/** A thread is given so much at a time: enough to be worth a message, little enough not to be waited for. */
const BATCH_MS = 3;
const BATCH_ITEMS = 64;

/**
 * Opens the queue. A check is taken when nothing else waits, however much it costs.
 * @throws {KeyError} `self-test-failed` when the wanted backend is not offered or gives wrong answers
 */
export function createSignatureChecks(options: SignatureChecksOptions): SignatureChecks {
	const backend = chooseDigestBackend(options.backend);
	const queue = new FairQueue<Waiting>();
	const reservedMs = (options.maxQueuedMs * RESERVED_PART) / SHARES.length;
	const commonMs = options.maxQueuedMs * (1 - RESERVED_PART);
	const shareMs = new Map<Share, number>();
	let totalMs = 0;
	let outstanding = 0;
	let refused = 0;
	let isClosed = false;
	let isTurnDue = false;

	const threads = new CheckThreads({
		...(options.threads === undefined ? {} : { count: options.threads }),
		...(options.threadModule === undefined ? {} : { module: options.threadModule }),
		...(options.threadSilenceMs === undefined ? {} : { silenceMs: options.threadSilenceMs }),
		backend: backend.name,
		onChange: takeTurn,
	});

	function admit(share: Share, ms: number): void {
		outstanding++;
		totalMs += ms;
		shareMs.set(share, (shareMs.get(share) ?? 0) + ms);
	}

	function leave({ share, costMs }: Waiting): void {
		outstanding--;
		totalMs -= costMs;
		shareMs.set(share, (shareMs.get(share) ?? 0) - costMs);
		if (outstanding > 0) return;
		// Sums of fractions that should be nothing again are not quite.
		totalMs = 0;
		shareMs.clear();
	}

	function hasRoomFor(share: Share, ms: number): boolean {
		return outstanding === 0 || totalMs + ms <= commonMs || (shareMs.get(share) ?? 0) + ms <= reservedMs;
	}

	/** Decides in the next turn of the event loop: by then it is known whether a check came alone. */
	function takeTurn(): void {
		if (isTurnDue || isClosed || queue.size === 0) return;
		isTurnDue = true;
		setImmediate(() => {
			isTurnDue = false;
			if (!isClosed) distribute();
		});
	}

	function distribute(): void {
		if (threads.count === 0) {
			checkHere(Number.POSITIVE_INFINITY);
			return;
		}
		if (queue.size === 1 && threads.isIdle) checkHere(CHEAP_MS);
		for (let thread = threads.withRoom(); thread !== undefined && queue.size > 0; thread = threads.withRoom())
			void checkThere(thread, takeBatch());
		if (queue.size === 0) return;
		threads.grow();
		// A thread takes a moment to start. What is cheap does not wait for it; what is not would hold up everything else.
		if (!threads.hasReady) checkHere(CHEAP_MS);
		if (!threads.hasAny) for (const item of queue.removeAbove(CHEAP_MS)) abandon(item);
	}

	/** Checks on the event loop for a moment, and comes back if there is more. */
	function checkHere(maxCostMs: number): void {
		let spentMs = 0;
		while (spentMs < TURN_MS) {
			const item = queue.take(maxCostMs);
			if (item === undefined) return;
			spentMs += item.costMs;
			try {
				item.resolve(runWork(item.work, backend));
			} catch (error) {
				item.reject(error as Error);
			}
			leave(item);
		}
		takeTurn();
	}

	function takeBatch(): Waiting[] {
		const batch: Waiting[] = [];
		let batchMs = 0;
		while (batchMs < BATCH_MS && batch.length < BATCH_ITEMS) {
			const item = queue.take();
			if (item === undefined) break;
			batch.push(item);
			batchMs += item.costMs;
		}
		return batch;
	}

	async function checkThere(thread: CheckThread, batch: readonly Waiting[]): Promise<void> {
		const results: BatchResults = await thread.run(batch.map(({ work }) => work));
		for (const [i, item] of batch.entries()) {
			const result = results?.[i];
			// Only the two booleans are answers; anything else is what went wrong.
			if (result === true || result === false) item.resolve(result);
			else item.reject(result === undefined ? unavailable() : new Error(`a signature check failed: ${String(result)}`));
			leave(item);
		}
	}

	function abandon(item: Waiting): void {
		item.reject(unavailable());
		leave(item);
	}

	return {
		status: () => ({
			queuedMs: totalMs,
			refused,
			backend: backend.name,
			threads: threads.count,
			lostThreads: threads.lost,
			lastLoss: threads.lastLoss,
		}),
		check: (check) => {
			if (isClosed) return Promise.reject(unavailable());
			const { ms, share } = costOf(check, backend.name);
			if (!hasRoomFor(share, ms)) {
				refused++;
				return Promise.reject(
					new CheckError(
						'overloaded',
						`${Math.round(totalMs)} ms of signature checks are waiting; ${options.maxQueuedMs} ms is the limit`,
						Math.max(1, Math.ceil(totalMs / 1000)),
					),
				);
			}
			return new Promise<boolean>((resolve, reject) => {
				queue.push({ work: toWork(check), costMs: ms, share, resolve, reject });
				admit(share, ms);
				takeTurn();
			});
		},
		close: async () => {
			isClosed = true;
			for (const item of queue.removeAbove(0)) abandon(item);
			await threads.end();
		},
	};
}

function toWork(check: SignatureCheck | ChainCheck): CheckWork {
	if ('chain' in check) return { form: 'chain', parts: check.chain.map(({ der }) => der) };
	const { key, signature, hash, over } = check;
	return 'digest' in over
		? { form: 'digest', hash, parts: [key.spki, signature, over.digest] }
		: { form: 'message', hash, parts: [key.spki, signature, over.message] };
}

function unavailable(): CheckError {
	return new CheckError('unavailable', 'the signature could not be checked; try again', 1);
}
