/** What the chassis measures of every service, whatever the service. */
import type { SignatureChecks } from '@chancery/keys/checks/signature-checks';
import type { Database } from '@chancery/postgres/sql';
import type { Series } from './series.ts';
import type { SeriesRegistry } from './series-registry.ts';

/** Of every service. */
export const CHASSIS_SERIES = [
	{
		name: 'http_request_duration_seconds',
		kind: 'histogram',
		labels: ['listener', 'method', 'route', 'status'],
		unit: 'seconds',
		help: 'Time from the arrival of the request head to the end of the answer',
	},
	{
		name: 'http_refusals_total',
		kind: 'counter',
		labels: ['listener', 'route', 'reason'],
		unit: 'requests',
		help: 'Refused requests by the code of their refusal',
	},
	{
		name: 'job_failures_total',
		kind: 'counter',
		labels: ['job'],
		unit: 'failures',
		help: 'How often a background job threw and was started again',
	},
	{
		name: 'tls_certificate_expiry_timestamp_seconds',
		kind: 'gauge',
		labels: ['listener'],
		unit: 'seconds',
		help: 'End of the TLS certificate that a listener shows, unix time',
	},
] as const satisfies readonly Series[];

interface ReadSeries extends Series {
	readonly kind: 'counter' | 'gauge';
	readonly read: () => number;
}

/**
 * Of the process, by the names that dashboards know. Read when they are asked for, without timers and observers: the
 * library's own collection starts some per registry and never stops them.
 */
export const PROCESS_SERIES: readonly ReadSeries[] = [
	{
		name: 'process_cpu_seconds_total',
		kind: 'counter',
		unit: 'seconds',
		help: 'User and system CPU time',
		read: () => {
			const { user, system } = process.cpuUsage();
			return (user + system) / 1e6;
		},
	},
	{
		name: 'process_resident_memory_bytes',
		kind: 'gauge',
		unit: 'bytes',
		help: 'Resident memory',
		read: () => process.memoryUsage.rss(),
	},
	{
		name: 'process_start_time_seconds',
		kind: 'gauge',
		unit: 'seconds',
		help: 'Start of the process, unix time',
		read: () => Math.round(performance.timeOrigin / 1000),
	},
	{
		name: 'nodejs_heap_size_used_bytes',
		kind: 'gauge',
		unit: 'bytes',
		help: 'Used part of the heap',
		read: () => process.memoryUsage().heapUsed,
	},
	{
		name: 'nodejs_heap_size_total_bytes',
		kind: 'gauge',
		unit: 'bytes',
		help: 'Reserved size of the heap',
		read: () => process.memoryUsage().heapTotal,
	},
	{
		name: 'nodejs_active_resources',
		kind: 'gauge',
		unit: 'resources',
		help: 'Handles and requests that keep the event loop alive',
		read: () => process.getActiveResourcesInfo().length,
	},
	{
		name: 'nodejs_eventloop_utilization',
		kind: 'gauge',
		unit: 'share',
		help: 'Share of time the event loop was busy since the start',
		read: () => performance.eventLoopUtilization().utilization,
	},
];

/** Of a service with a database. */
export const DATABASE_SERIES = [
	{
		name: 'database_connections_in_use',
		kind: 'gauge',
		unit: 'connections',
		help: 'Connections of the pool that run statements now',
	},
	{
		name: 'database_connections_idle',
		kind: 'gauge',
		unit: 'connections',
		help: 'Connections of the pool that wait for work',
	},
	{
		name: 'database_requests_waiting',
		kind: 'gauge',
		unit: 'requests',
		help: 'Who waits for a connection: more than none for long means that the pool is too small or the database too slow',
	},
] as const satisfies readonly Series[];

/** Of a service that checks signatures of strangers. */
export const CHECK_SERIES = [
	{
		name: 'signature_checks_waiting_seconds',
		kind: 'gauge',
		unit: 'seconds',
		help: 'Estimated work of the signature checks that wait or run',
	},
	{
		name: 'signature_checks_refused_total',
		kind: 'counter',
		unit: 'checks',
		help: 'Signature checks that were refused because too much work was waiting',
	},
	{
		name: 'signature_check_threads',
		kind: 'gauge',
		unit: 'threads',
		help: 'Most threads that there may be for signature checks',
	},
	{
		name: 'signature_check_threads_lost_total',
		kind: 'counter',
		unit: 'threads',
		help: 'Threads for signature checks that crashed or hung and were given up',
	},
] as const satisfies readonly Series[];

export function registerProcess(registry: SeriesRegistry): void {
	registry.register(PROCESS_SERIES);
	registry.onPrint(() => {
		for (const { name, kind, read } of PROCESS_SERIES)
			if (kind === 'counter') registry.setCount(name, read());
			else registry.gauge(name, read());
	});
}

export function registerDatabase(registry: SeriesRegistry, database: Pick<Database, 'connections'>): void {
	registry.register(DATABASE_SERIES);
	registry.onPrint(() => {
		const connections = database.connections?.();
		if (!connections) return;
		registry.gauge('database_connections_in_use', connections.inUse);
		registry.gauge('database_connections_idle', connections.idle);
		registry.gauge('database_requests_waiting', connections.waiting);
	});
}

export function registerChecks(registry: SeriesRegistry, checks: Pick<SignatureChecks, 'status'>): void {
	registry.register(CHECK_SERIES);
	registry.onPrint(() => {
		const { queuedMs, refused, threads, lostThreads } = checks.status();
		registry.gauge('signature_checks_waiting_seconds', queuedMs / 1000);
		registry.setCount('signature_checks_refused_total', refused);
		registry.gauge('signature_check_threads', threads);
		registry.setCount('signature_check_threads_lost_total', lostThreads);
	});
}
