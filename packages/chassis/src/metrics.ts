/**
 * The counters of one service, in a registry of its own, so that several services in one process do not mix.
 */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
	/** Where a service registers counters of its own (pass `registers: [metrics.registry]`). */
	readonly registry: Registry;
	/** One answered request; `route` is the pattern, never the path, so that clients cannot make new series. */
	observeRequest(at: RequestSample): void;
	countJobFailure(job: string): void;
	/** When the TLS certificate that `listener` shows expires; a series that does not move on is one that nobody renews. */
	setCertificateEnd(listener: string, unixSeconds: number): void;
}

export interface RequestSample {
	readonly listener: string;
	readonly method: string;
	readonly route: string;
	/** HTTP status, or 499 when the client left first. */
	readonly status: number;
	readonly seconds: number;
}

const BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

/** Makes the registry of the service `name`; every series carries `service="<name>"`. */
export function createMetrics(name: string): Metrics {
	const registry = new Registry();
	registry.setDefaultLabels({ service: name });
	const registers = [registry];
	const duration = new Histogram({
		name: 'http_request_duration_seconds',
		help: 'Time from the arrival of the request head to the end of the answer',
		labelNames: ['listener', 'method', 'route', 'status'],
		buckets: BUCKETS_SECONDS,
		registers,
	});
	const jobFailures = new Counter({
		name: 'job_failures_total',
		help: 'How often a background job threw and was started again',
		labelNames: ['job'],
		registers,
	});
	const certificateEnd = new Gauge({
		name: 'tls_certificate_expiry_timestamp_seconds',
		help: 'End of the TLS certificate that a listener shows, unix time',
		labelNames: ['listener'],
		registers,
	});
	registerProcess(registers);
	return {
		registry,
		observeRequest: ({ seconds, ...labels }) => duration.observe(labels, seconds),
		countJobFailure: (job) => jobFailures.inc({ job }),
		setCertificateEnd: (listener, unixSeconds) => certificateEnd.set({ listener }, unixSeconds),
	};
}

/**
 * The process series that dashboards know by name. Read when scraped, without timers and observers: prom-client's own
 * collection starts some per registry and never stops them.
 */
function registerProcess(registers: Registry[]): void {
	const gauge = (name: string, help: string, read: () => number) =>
		new Gauge({
			name,
			help,
			registers,
			collect() {
				this.set(read());
			},
		});
	gauge('process_cpu_seconds_total', 'User and system CPU time', () => {
		const { user, system } = process.cpuUsage();
		return (user + system) / 1e6;
	});
	gauge('process_resident_memory_bytes', 'Resident memory', () => process.memoryUsage.rss());
	gauge('process_start_time_seconds', 'Start of the process, unix time', () =>
		Math.round(performance.timeOrigin / 1000),
	);
	gauge('nodejs_heap_size_used_bytes', 'Used heap', () => process.memoryUsage().heapUsed);
	gauge('nodejs_heap_size_total_bytes', 'Reserved heap', () => process.memoryUsage().heapTotal);
	gauge('nodejs_active_resources', 'Handles and requests that keep the event loop alive', () => {
		return process.getActiveResourcesInfo().length;
	});
	gauge('nodejs_eventloop_utilization', 'Share of time the event loop was busy since the start', () => {
		return performance.eventLoopUtilization().utilization;
	});
}
