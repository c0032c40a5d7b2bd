/**
 * SIGTERM, SIGINT and SIGHUP ask for an orderly end. Under npm a Ctrl-C arrives twice within a millisecond, so that
 * only a repeat after a second means "at once".
 */
const FORCE_AFTER_MS = 1000;
/** All must be over within 5 s; what is still running then is left to the next start, which repairs it. */
const GIVE_UP_AFTER_MS = 4700;

export interface StopSignals {
	/** Aborted by the first signal. */
	readonly signal: AbortSignal;
	/** Resolves with the first signal. */
	readonly stopped: Promise<void>;
	/** Stops listening, so that the process may end by itself. */
	dispose(): void;
}

export function listenForStop(say: (line: string) => void): StopSignals {
	const controller = new AbortController();
	const { promise, resolve } = Promise.withResolvers<void>();
	let firstAt: number | undefined;
	let giveUp: NodeJS.Timeout | undefined;
	const onSignal = (name: NodeJS.Signals) => {
		const now = performance.now();
		if (firstAt === undefined) {
			firstAt = now;
			say(`${name}: stopping`);
			controller.abort();
			resolve();
			// A crash or a forced end here leaves the database server behind; the next start stops or adopts it.
			giveUp = setTimeout(() => process.exit(1), GIVE_UP_AFTER_MS);
			giveUp.unref();
		} else if (now - firstAt > FORCE_AFTER_MS) process.exit(1);
	};
	const names: NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP'];
	for (const name of names) process.on(name, onSignal);
	return {
		signal: controller.signal,
		stopped: promise,
		dispose() {
			clearTimeout(giveUp);
			for (const name of names) process.off(name, onSignal);
		},
	};
}
