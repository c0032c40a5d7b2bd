/**
 * One worker thread as its owner sees it: it gets batches and answers them, or is lost with all that it had. A thread
 * that ends, says something else than results, or is silent for too long, is lost; what it had is never answered yes.
 */
import { Worker } from 'node:worker_threads';
import type { EcdsaBackendName } from '../digest/ecdsa-backend.ts';
import { type CheckWork, packWork, type WorkResults } from './check-work.ts';

export interface ThreadOptions {
	/** The module that it runs; tests have worse ones. */
	readonly module: URL;
	readonly backend: EcdsaBackendName;
	/** Silence that is long enough to give up, with work under way or while starting. */
	readonly silenceMs: number;
	/** It started, answered something, or is lost: there is something to decide. */
	readonly onChange: () => void;
}

/** The results of a batch; undefined when the thread is lost. */
export type BatchResults = WorkResults['results'] | undefined;

/** One batch is checked while the next one waits in the thread, so that it is never idle for the time of a message. */
const MAX_BATCHES = 2;

export class CheckThread {
	readonly #worker: Worker;
	readonly #options: ThreadOptions;
	readonly #underWay = new Map<number, { readonly size: number; readonly settle: (results: BatchResults) => void }>();
	#state: 'starting' | 'ready' | 'lost' = 'starting';
	#hasStarted = false;
	#lastId = 0;
	#watch: NodeJS.Timeout;
	#signs = 0;
	#loss: string | undefined;

	constructor(options: ThreadOptions) {
		this.#options = options;
		this.#worker = new Worker(options.module, {
			workerData: { backend: options.backend },
			env: {},
			execArgv: [],
			argv: [],
			name: 'signature checks',
		});
		this.#worker.on('message', (message: unknown) => this.#receive(message));
		this.#worker.on('messageerror', () => this.end('said something unreadable'));
		this.#worker.on('error', (error: unknown) => this.end(error instanceof Error ? error.message : String(error)));
		this.#worker.on('exit', (code) => this.end(`ended with code ${code}`));
		this.#watch = this.#watchOver();
	}

	get state(): 'starting' | 'ready' | 'lost' {
		return this.#state;
	}

	/** Whether it was ever ready: a thread that never was would not be the next time either. */
	get hasStarted(): boolean {
		return this.#hasStarted;
	}

	/** Why it is lost. */
	get loss(): string | undefined {
		return this.#loss;
	}

	get isIdle(): boolean {
		return this.#underWay.size === 0;
	}

	get hasRoom(): boolean {
		return this.#state === 'ready' && this.#underWay.size < MAX_BATCHES;
	}

	/** Only while it `hasRoom`. */
	run(works: readonly CheckWork[]): Promise<BatchResults> {
		const packed = packWork(++this.#lastId, works);
		if (this.isIdle) {
			// Work under way keeps the process alive, an idle thread does not.
			this.#worker.ref();
			clearTimeout(this.#watch);
			this.#watch = this.#watchOver();
		}
		return new Promise((settle) => {
			this.#underWay.set(packed.id, { size: works.length, settle });
			this.#worker.postMessage(packed, [packed.bytes.buffer]);
		});
	}

	/** Stops it, whatever it is doing. Its batches are settled with undefined at once. */
	async end(reason: string): Promise<void> {
		if (this.#state === 'lost') return;
		this.#state = 'lost';
		this.#loss = reason;
		clearTimeout(this.#watch);
		for (const { settle } of this.#underWay.values()) settle(undefined);
		this.#underWay.clear();
		this.#options.onChange();
		await this.#worker.terminate();
	}

	#receive(message: unknown): void {
		if (this.#state === 'lost') return;
		this.#signs++;
		clearTimeout(this.#watch);
		if (this.#state === 'starting' && message === 'ready') {
			this.#state = 'ready';
			this.#hasStarted = true;
		} else if (!this.#settle(message)) {
			void this.end('said something that is no result');
			return;
		}
		if (this.isIdle) this.#worker.unref();
		else this.#watch = this.#watchOver();
		this.#options.onChange();
	}

	/** False for anything but the results of a batch that is under way. */
	#settle(message: unknown): boolean {
		const { id, results } = (message ?? {}) as { readonly id?: unknown; readonly results?: unknown };
		const batch = typeof id === 'number' ? this.#underWay.get(id) : undefined;
		if (batch === undefined || !Array.isArray(results) || results.length !== batch.size) return false;
		this.#underWay.delete(id as number);
		batch.settle(results);
		return true;
	}

	#watchOver(): NodeJS.Timeout {
		const signs = this.#signs;
		return setTimeout(() => {
			// When it was our own event loop that stood still, what the thread has said meanwhile is heard first.
			setImmediate(() => {
				if (this.#signs === signs) void this.end(`was silent for ${this.#options.silenceMs} ms`);
			});
		}, this.#options.silenceMs).unref();
	}
}
