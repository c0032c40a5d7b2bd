/**
 * The main process of a server that shall run as long as we do. PostgreSQL ends when it cannot write its log or recover
 * from it, on a full disk say, and is started again until there is room: what it acknowledged is on the disk.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Postmaster, stopPostmaster } from './postmaster.ts';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 10_000;
/** A server that lived so long did not end for the reason of the time before. */
const HEALTHY_MS = 30_000;

export interface KeptPostmaster {
	/** Of the process that runs now, or that ended last. */
	readonly pid: number;
	/** Settles when the process has ended and is not started again. */
	readonly ended: Promise<string>;
	stop(): Promise<void>;
}

/** Leaves the end of the process to whoever asked for it. */
export function unkept(postmaster: Postmaster): KeptPostmaster {
	return { ...postmaster, stop: () => stopPostmaster(postmaster) };
}

/**
 * Starts the process again whenever it ends unasked.
 * @param startAgain fails soon after its signal is aborted, with no process left behind
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
					// Once per outage: the last words of the server are many lines, and the reason stays the same.
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
			// A start that was under way when the signal came may have got through: then there is another one to end.
			const last = current;
			await ended;
			if (current !== last) await stopPostmaster(current);
		},
	};
}
