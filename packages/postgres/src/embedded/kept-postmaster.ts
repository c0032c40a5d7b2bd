/**
 * The main process of a server that must run as long as we do. PostgreSQL ends when it cannot write or replay its log, for
 * example on a full disk. It is started again until there is space: what it acknowledged is on the disk.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Postmaster, stopPostmaster } from './postmaster.ts';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;
/** When a server has run so long, its end has another reason than the end before. */
const HEALTHY_MS = 30_000;

export interface KeptPostmaster {
	/** Number of the process that runs now, or that ended last. */
	readonly pid: number;
	/** Settles when the process has ended and is not started again. */
	readonly ended: Promise<string>;
	stop(): Promise<void>;
}

/** From here on, the caller decides about the end of the process. */
export function unkept(postmaster: Postmaster): KeptPostmaster {
	return { ...postmaster, stop: () => stopPostmaster(postmaster) };
}

/**
 * Starts the process again whenever it ends without a request.
 * @param startAgain fails soon after its signal is aborted, and then leaves no process
 */
export function keepPostmaster(
	first: Postmaster,
	startAgain: (signal: AbortSignal) => Promise<Postmaster>,
	log: (message: string) => void,
): KeptPostmaster {
	let current = first;
	const stopping = new AbortController();
	const { signal } = stopping;

	const keep = async (): Promise<string> => {
		let pauseMs = FIRST_PAUSE_MS;
		let startedAt = performance.now();
		for (;;) {
			const how = await current.ended;
			if (signal.aborted) return how;
			if (performance.now() - startedAt > HEALTHY_MS) pauseMs = FIRST_PAUSE_MS;
			log(`the database server ended by itself (${how}) and is started again`);
			let told: string | undefined;
			for (let isRunning = false; !isRunning; ) {
				await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
				if (signal.aborted) return how;
				pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS);
				try {
					current = await startAgain(signal);
					isRunning = true;
				} catch (error) {
					const message = error instanceof Error ? error.message : String(error);
					// Logged once per outage: the last lines of the server are long, and the reason stays the same.
					if (!signal.aborted && told === undefined) log(message);
					told = message;
				}
			}
			startedAt = performance.now();
			log('the database server runs again');
		}
	};
	const ended = keep();
	return {
		get pid() {
			return current.pid;
		},
		ended,
		async stop() {
			stopping.abort();
			await stopPostmaster(current);
			// A start that was in progress when the signal came may have succeeded: then that process must be ended too.
			const last = current;
			await ended;
			if (current !== last) await stopPostmaster(current);
		},
	};
}
