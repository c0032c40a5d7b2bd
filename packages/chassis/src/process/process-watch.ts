/**
 * Finds a process that runs and does nothing: stopped by a signal, or caught in a loop. It keeps its turn at a file mark and
 * its connections, and the others would wait for it; killed, it holds up nobody.
 *
 * Questions without an answer are counted, not seconds: a supervisor that was stopped itself, together with its processes,
 * must not find all of them late when it goes on.
 */
import type { Worker } from 'node:cluster';

const EVERY_MS = 5_000;
/** Half a minute. A busy process answers late; none that works is silent for so long. */
const MISSES = 6;

interface Notice {
	readonly chancery: 'alive?' | 'alive!';
}

export interface ProcessWatch {
	/** From now on until it ends. */
	add(worker: Worker): void;
}

/** @param onSilent called once for a process that answers no more. */
export function watchProcesses(onSilent: (worker: Worker) => void, everyMs: number = EVERY_MS): ProcessWatch {
	const missed = new Map<Worker, number>();
	setInterval(() => {
		for (const [worker, misses] of missed) {
			missed.set(worker, misses + 1);
			if (misses === MISSES) {
				missed.delete(worker);
				onSilent(worker);
			} else if (worker.isConnected()) worker.send({ chancery: 'alive?' } satisfies Notice, () => undefined);
		}
	}, everyMs).unref();
	return {
		add(worker) {
			missed.set(worker, 0);
			worker.on('message', (message: Notice | undefined) => {
				if (message?.chancery === 'alive!' && missed.has(worker)) missed.set(worker, 0);
			});
			worker.on('exit', () => missed.delete(worker));
		},
	};
}

/** In a process of a supervisor: answers its questions from the event loop that serves. */
export function answerWatch(): void {
	process.on('message', (message: Notice | undefined) => {
		if (message?.chancery === 'alive?')
			process.send?.({ chancery: 'alive!' } satisfies Notice, undefined, undefined, () => undefined);
	});
}
