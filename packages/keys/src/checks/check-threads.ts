/**
 * The worker threads for signature checks: none until there is load, then one more whenever those there are have no
 * room, up to a few. Lost ones are replaced when there is work again.
 */
import { availableParallelism } from 'node:os';
import type { EcdsaBackendName } from '../digest/ecdsa-backend.ts';
import { CheckThread } from './check-thread.ts';

export interface ThreadsOptions {
	/** Default: one less than the cores, because the event loop needs one; at least 1. 0: everything on the event loop. */
	readonly count?: number;
	readonly backend: EcdsaBackendName;
	readonly module?: URL;
	readonly silenceMs?: number;
	readonly onChange: () => void;
}

/** The module of the threads; node runs it as it is, under a test runner too. */
const MODULE = new URL('./check-worker.ts', import.meta.url);
/** Batches take milliseconds, and a thread starts in a fraction of a second. */
const SILENCE_MS = 10_000;
/** When a thread could not even start, the next attempt waits. */
const RETRY_MS = 1_000;

export class CheckThreads {
	readonly count: number;
	readonly #options: ThreadsOptions;
	#threads: CheckThread[] = [];
	#retryAtMs = 0;
	#lost = 0;
	#lastLoss: string | undefined;

	constructor(options: ThreadsOptions) {
		this.#options = options;
		this.count = options.count ?? Math.max(1, availableParallelism() - 1);
	}

	/** Threads that were lost since the start. */
	get lost(): number {
		return this.#lost;
	}

	get lastLoss(): string | undefined {
		return this.#lastLoss;
	}

	get isIdle(): boolean {
		return this.#threads.every((thread) => thread.isIdle);
	}

	/** Whether there is one that checks, or will when it has started. */
	get hasAny(): boolean {
		return this.#threads.length > 0;
	}

	get hasReady(): boolean {
		return this.#threads.some((thread) => thread.state === 'ready');
	}

	/** One that takes a batch now. */
	withRoom(): CheckThread | undefined {
		return (
			this.#threads.find((thread) => thread.hasRoom && thread.isIdle) ?? this.#threads.find((thread) => thread.hasRoom)
		);
	}

	/** Starts one more, unless there are enough, one is starting, or the last one failed to start just now. */
	grow(): void {
		if (this.#threads.length >= this.count || this.#threads.some((thread) => thread.state === 'starting')) return;
		if (performance.now() < this.#retryAtMs) return;
		const thread: CheckThread = new CheckThread({
			module: this.#options.module ?? MODULE,
			backend: this.#options.backend,
			silenceMs: this.#options.silenceMs ?? SILENCE_MS,
			onChange: () => {
				if (thread.state === 'lost') this.#remove(thread);
				this.#options.onChange();
			},
		});
		this.#threads.push(thread);
	}

	async end(): Promise<void> {
		const threads = this.#threads;
		this.#threads = [];
		await Promise.all(threads.map((thread) => thread.end('was told to')));
	}

	#remove(thread: CheckThread): void {
		const left = this.#threads.filter((other) => other !== thread);
		if (left.length === this.#threads.length) return;
		this.#threads = left;
		this.#lost++;
		this.#lastLoss = thread.loss;
		if (!thread.hasStarted) this.#retryAtMs = performance.now() + RETRY_MS;
	}
}
