/**
 * Loaded into the server before its own `main.ts` (`node --import`): measures the event loop and makes profiles when the benchmark asks
 * for it. The server itself runs as in production and does not know of it.
 */
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export type ProbeRequest =
	| { readonly kind: 'reset-loop' }
	| { readonly kind: 'read-loop' }
	| { readonly kind: 'start-profile' }
	| { readonly kind: 'stop-profile'; readonly path: string };

/** The probe's own timer: the histogram holds the time between two of its ticks. */
const RESOLUTION_MS = 5;
const SAMPLING_US = 500;

const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();
let threadCpu = process.threadCpuUsage();
let session: Session | undefined;

const lateMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);

function threadSeconds(): number {
	const { user, system } = process.threadCpuUsage(threadCpu);
	return (user + system) / 1e6;
}

async function answer(request: ProbeRequest): Promise<unknown> {
	switch (request.kind) {
		case 'reset-loop':
			histogram.reset();
			threadCpu = process.threadCpuUsage();
			return {};
		case 'read-loop':
			return {
				cpuSeconds: threadSeconds(),
				p50Ms: lateMs(histogram.percentile(50)),
				p99Ms: lateMs(histogram.percentile(99)),
				maxMs: lateMs(histogram.max),
			};
		case 'start-profile':
			session = new Session();
			session.connect();
			await session.post('Profiler.enable');
			await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_US });
			await session.post('Profiler.start');
			return {};
		case 'stop-profile': {
			const { profile } = (await session?.post('Profiler.stop')) ?? {};
			session?.disconnect();
			session = undefined;
			writeFileSync(request.path, JSON.stringify(profile));
			return {};
		}
	}
}

process.on('message', (request: ProbeRequest) => {
	answer(request).then(
		(result) => process.send?.({ result }),
		(error: unknown) => process.send?.({ error: String(error) }),
	);
});
