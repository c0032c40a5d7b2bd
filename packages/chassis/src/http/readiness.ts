/**
 * What a probe is told: ready or not, and no more. Anybody may ask, as often as they like: one look at the service serves
 * all who ask within a second, and never is there more than one look at a time.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../logger.ts';
import type { Health } from '../service.ts';

/** An answer is at most this old. */
const MAX_AGE_MS = 1_000;
/** Who cannot say within this time whether they are ready, are not. */
const LOOK_WITHIN_MS = 2_000;

/** Resolves soon, with false when nothing can be known. Each change is one line in the log, with the checks that fail. */
export function createReadiness(look: () => Promise<Health>, logger: Logger): () => Promise<boolean> {
	let last: { readonly ready: boolean; readonly atMs: number } | undefined;
	/** Still running, perhaps for long: a database that hangs is not asked again before it has answered. */
	let looking: Promise<boolean> | undefined;

	const tell = (ready: boolean, why: Record<string, unknown>): boolean => {
		if (last !== undefined && last.ready !== ready)
			logger[ready ? 'info' : 'warn'](why, ready ? 'ready again' : 'no longer ready');
		last = { ready, atMs: performance.now() };
		return ready;
	};
	const lookNow = async (): Promise<boolean> => {
		try {
			const { ready, checks } = await look();
			const failing = Object.fromEntries(Object.entries(checks).filter(([, { ok }]) => !ok));
			return tell(ready, { failing });
		} catch (error) {
			return tell(false, { err: error });
		} finally {
			looking = undefined;
		}
	};
	return async () => {
		if (last !== undefined && performance.now() - last.atMs < MAX_AGE_MS) return last.ready;
		looking ??= lookNow();
		const timer = new AbortController();
		const late = sleep(LOOK_WITHIN_MS, undefined, { signal: timer.signal, ref: false }).catch(() => undefined);
		const ready = await Promise.race([looking, late]);
		timer.abort();
		return ready ?? tell(false, { lateMs: LOOK_WITHIN_MS });
	};
}
