/**
 * The log's own loop: an idle log signs its checkpoint again before clients take it for dead (for a CT log: within its
 * MMD), publishes what a crashed process left integrated, and makes room ahead for the tables that are partitioned.
 */
import type { LogJob } from '../log-job.ts';
import type { LogSink } from '../log-sink.ts';
import type { Publisher } from '../publish/publisher.ts';
import type { Sequencer } from '../sequence/sequencer.ts';
import type { SubmitQueue } from '../submit/submit-queue.ts';

const MAX_TICK_MS = 5_000;

export function heartbeatJob(options: {
	name: string;
	publisher: Publisher;
	sequencer: Sequencer;
	queue: SubmitQueue;
	heartbeatMs: number;
	/** Called before and after each look; sets what is measured of the log's health. */
	onLook: () => void;
	logger: LogSink;
}): LogJob {
	const { publisher, sequencer, queue, heartbeatMs, onLook, logger } = options;
	// Looks several times per interval, so that a heartbeat is late by a fraction of it only.
	const tickMs = Math.min(MAX_TICK_MS, Math.max(10, heartbeatMs / 4));
	const tick = async () => {
		const current = await publisher.head.fresh(tickMs);
		const due = publisher.isHeartbeatDue();
		if (due || publisher.head.unpublished > 0) publisher.request(due);
		// Whatever keeps the head from being signed again may keep batches from it too, and the other way round; a lead ends by itself.
		if (sequencer.problem || sequencer.lead || queue.stall || publisher.failure) await sequencer.probe();
		await sequencer.preparePartitions(current?.size ?? 0);
	};
	return {
		name: options.name,
		async run(signal) {
			while (!signal.aborted) {
				// Before it too: a look may wait for a database that hangs.
				onLook();
				try {
					await tick();
				} catch (error) {
					logger.warn({ err: error }, 'the heartbeat could not look after the log');
					// A problem of the mark ends only when somebody compares again.
					publisher.request();
				}
				onLook();
				await pause(tickMs, signal);
			}
		},
	};
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
	const { promise, resolve } = Promise.withResolvers<void>();
	const timer = setTimeout(resolve, ms);
	const stop = () => resolve();
	signal.addEventListener('abort', stop, { once: true });
	if (signal.aborted) resolve();
	await promise;
	clearTimeout(timer);
	signal.removeEventListener('abort', stop);
}
