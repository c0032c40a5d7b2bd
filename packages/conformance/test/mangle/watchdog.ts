/**
 * Ends the process when a case does not end. A parser that loops cannot be interrupted from its own thread, and without
 * this the run would hang and say nothing.
 */
import { writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Far beyond the bound of a case: this is for what never ends, on a machine that does other things as well. */
const HANGS_AFTER_MS = 60_000;
const LOOK_EVERY_MS = 1000;
const MAX_LABEL_BYTES = 1024;

interface Shared {
	/** [0] number of cases begun; [1] whether one is running; [2] length of the label. */
	readonly state: Int32Array;
	readonly label: Uint8Array;
}

export interface Watchdog {
	/** What is named when a case hangs: the parser and how to repeat the case. */
	begin(label: string): void;
	next(): void;
	pause(): void;
	stop(): Promise<number>;
}

export function startWatchdog(): Watchdog {
	const shared: Shared = {
		state: new Int32Array(new SharedArrayBuffer(12)),
		label: new Uint8Array(new SharedArrayBuffer(MAX_LABEL_BYTES)),
	};
	const thread = new Worker(new URL('./watchdog.ts', import.meta.url), { workerData: shared });
	thread.unref();
	return {
		begin(label) {
			const bytes = new TextEncoder().encode(label).subarray(0, MAX_LABEL_BYTES);
			shared.label.set(bytes);
			Atomics.store(shared.state, 2, bytes.length);
		},
		next() {
			Atomics.add(shared.state, 0, 1);
			Atomics.store(shared.state, 1, 1);
		},
		pause() {
			Atomics.store(shared.state, 1, 0);
		},
		stop: () => thread.terminate(),
	};
}

function watch({ state, label }: Shared): void {
	let seen = -1;
	let since = Date.now();
	setInterval(() => {
		const current = Atomics.load(state, 0);
		if (current !== seen || Atomics.load(state, 1) === 0) {
			seen = current;
			since = Date.now();
			return;
		}
		if (Date.now() - since < HANGS_AFTER_MS) return;
		const text = new TextDecoder().decode(label.slice(0, Atomics.load(state, 2)));
		writeSync(2, `a case of ${text} has not ended after ${HANGS_AFTER_MS / 1000} s\n`);
		process.kill(process.pid, 'SIGKILL');
	}, LOOK_EVERY_MS);
}

if (!isMainThread && (workerData as Partial<Shared> | null)?.label) watch(workerData as Shared);
