/**
 * Keeps the loops of a service running: a job that throws is started again after a pause that grows while it keeps
 * failing, until the service stops.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { Job } from '../service.ts';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** A run this long was healthy: the next failure begins with a short pause again. */
const HEALTHY_RUN_MS = 60_000;

/** Runs `job` until it returns or `signal` is aborted; never rejects. */
export async function runJob(job: Job, signal: AbortSignal, deps: { logger: Logger; metrics: Metrics }): Promise<void> {
	let pauseMs = FIRST_PAUSE_MS;
	while (!signal.aborted) {
		const startedMs = performance.now();
		try {
			await job.run(signal);
			return;
		} catch (error) {
			// What a job throws because it was told to stop is its way of stopping.
			if (signal.aborted) return;
			deps.metrics.countJobFailure(job.name);
			if (performance.now() - startedMs > HEALTHY_RUN_MS) pauseMs = FIRST_PAUSE_MS;
			deps.logger.error({ err: error, job: job.name, pauseMs }, 'a job failed and will be started again');
		}
		await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => undefined);
		pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
	}
}
