/**
 * Whether a mark could be written now, asked at intervals: a read-only folder, a full disk or a bucket that is away shows
 * in readiness before the first publication fails on it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { MarkStore } from './mark.ts';

const EVERY_MS = 15_000;
/** Longer than any place takes that works. */
const WITHIN_MS = 10_000;

/** One line of a health check. */
export interface MarkWritability {
	readonly ok: boolean;
	readonly detail: string;
}

export interface MarkProbe {
	/** As the last probe found. Before the first, and where a place cannot be probed: ok. */
	health(): MarkWritability;
	/** Probes now. Never rejects. */
	look(): Promise<void>;
	/** To be run as long as the service: probes at once, and then at intervals. */
	readonly job: { readonly name: string; run(signal: AbortSignal): Promise<void> };
}

/** @param name what the mark is of, for the name of the job */
export function createMarkProbe(name: string, mark: MarkStore, everyMs: number = EVERY_MS): MarkProbe {
	let problem: string | undefined;
	let looking: Promise<void> | undefined;
	const look = async (): Promise<void> => {
		try {
			await within(WITHIN_MS, mark.probe?.());
			problem = undefined;
		} catch (error) {
			problem = error instanceof Error ? error.message : String(error);
		}
	};
	// A place that does not answer is asked once, and not again while that question is open.
	const lookOnce = () => {
		looking ??= look().finally(() => {
			looking = undefined;
		});
		return looking;
	};
	return {
		health: () => ({ ok: problem === undefined, detail: problem ?? 'can be written' }),
		look: lookOnce,
		job: {
			name: `probe of the mark of ${name}`,
			async run(signal) {
				while (!signal.aborted) {
					await lookOnce();
					await sleep(Math.max(everyMs, mark.probeEveryMs ?? 0), undefined, { signal, ref: false }).catch(
						() => undefined,
					);
				}
			},
		},
	};
}

async function within(limitMs: number, probe: Promise<void> | undefined): Promise<void> {
	if (!probe) return;
	const { promise, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(
		() => reject(new Error(`the place of the mark did not answer within ${limitMs} ms`)),
		limitMs,
	);
	try {
		await Promise.race([probe, promise]);
	} finally {
		clearTimeout(timer);
	}
}
