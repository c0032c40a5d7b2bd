/** What the chassis measures of every service, whatever the service. */
import cluster from 'node:cluster';
import type { SignatureChecks } from '@chancery/keys/checks/signature-checks';
import type { Signer } from '@chancery/keys/signer';
import type { MarkProbe } from '@chancery/postgres/mark/mark-probe';
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
		question: 'How much traffic is there, how fast is it answered, and what share of it fails?',
	},
	{
		name: 'http_refusals_total',
		kind: 'counter',
		labels: ['listener', 'route', 'reason'],
		unit: 'requests',
		help: 'Refused requests by the code of their refusal',
		question: 'What are clients refused, and why?',
	},
	{
		name: 'job_failures_total',
		kind: 'counter',
		labels: ['job'],
		unit: 'failures',
		help: 'How often a background job threw and was started again',
		question: 'Does something in the background fail again and again?',
	},
	{
		name: 'tls_certificate_expiry_timestamp_seconds',
		kind: 'gauge',
		labels: ['listener'],
		unit: 'seconds',
		help: 'End of the TLS certificate that a listener shows, unix time',
		question: 'Does whatever renews the certificates of the listeners work?',
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
		question: 'Is the core of the process full?',
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
		question: 'Does the process grow towards its limit?',
		read: () => process.memoryUsage.rss(),
	},
	{
		name: 'process_start_time_seconds',
		kind: 'gauge',
		unit: 'seconds',
		help: 'Start of the process, unix time',
		question: 'Since when does it run, and does it start again and again?',
		read: () => Math.round(performance.timeOrigin / 1000),
	},
	{
		name: 'processes_wanted',
		kind: 'gauge',
		unit: 'processes',
		help: 'How many processes share the listeners of this one, itself included: as many as `serve --processes` was told',
		question: 'Do all of them run?',
		read: () => (cluster.isWorker && Number(process.env.CHANCERY_PROCESSES)) || 1,
	},
	{
		name: 'nodejs_heap_size_used_bytes',
		kind: 'gauge',
		unit: 'bytes',
		help: 'Used part of the heap',
		question: 'Does the heap grow?',
		read: () => process.memoryUsage().heapUsed,
	},
	{
		name: 'nodejs_heap_size_total_bytes',
		kind: 'gauge',
		unit: 'bytes',
		help: 'Reserved size of the heap',
		question: 'How much of the memory is heap?',
		read: () => process.memoryUsage().heapTotal,
	},
	{
		name: 'nodejs_active_resources',
		kind: 'gauge',
		unit: 'resources',
		help: 'Handles and requests that keep the event loop alive',
		question: 'Do connections or timers pile up?',
		read: () => process.getActiveResourcesInfo().length,
	},
	{
		name: 'nodejs_eventloop_utilization',
		kind: 'gauge',
		unit: 'share',
		help: 'Share of time the event loop was busy since the start',
		question: 'How busy has the process been since its start?',
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
		question: 'How much of the pool is used?',
	},
	{
		name: 'database_connections_idle',
		kind: 'gauge',
		unit: 'connections',
		help: 'Connections of the pool that wait for work',
		question: 'How much of the pool is free?',
	},
	{
		name: 'database_requests_waiting',
		kind: 'gauge',
		unit: 'requests',
		help: 'Who waits for a connection: more than none for long means that the pool is too small or the database too slow',
		question: 'Does somebody wait for the database?',
	},
	{
		name: 'database_connections_max',
		kind: 'gauge',
		unit: 'connections',
		help: 'Connections that the pool may have',
		question: 'How many connections does this process need of the server at most?',
	},
	{
		name: 'database_connection_failures_total',
		kind: 'counter',
		unit: 'failures',
		help: 'Connections that were not to be had in time, or broke while they were used',
		question: 'Is the database there?',
	},
] as const satisfies readonly Series[];

/** Of a service that signs. */
export const SIGNER_SERIES = [
	{
		name: 'signer_duration_seconds',
		kind: 'histogram',
		labels: ['key'],
		unit: 'seconds',
		help: 'Time of a signature, by the name of its key in the configuration, failed ones included',
		question: 'How fast is a key (an HSM, a KMS)?',
	},
	{
		name: 'signer_failures_total',
		kind: 'counter',
		labels: ['key'],
		unit: 'signatures',
		help: 'Signatures that a key did not give: its token or service was away or refused',
		question: 'Does a key fail to sign?',
	},
] as const satisfies readonly Series[];

/** Of a service that keeps a mark. */
export const MARK_SERIES = [
	{
		name: 'mark_writable',
		kind: 'gauge',
		labels: ['mark'],
		unit: '1 or 0',
		help: 'Whether the mark could be written, as the last probe found; asked every 15 seconds, in a bucket every 60',
		question: 'Will the next publication, or the next second of a timestamp, find its mark?',
	},
] as const satisfies readonly Series[];

/** Of a service that checks signatures of strangers. */
export const CHECK_SERIES = [
	{
		name: 'signature_checks_waiting_seconds',
		kind: 'gauge',
		unit: 'seconds',
		help: 'Estimated work of the signature checks that wait or run',
		question: 'Do the checks of signatures keep up?',
	},
	{
		name: 'signature_checks_refused_total',
		kind: 'counter',
		unit: 'checks',
		help: 'Signature checks that were refused because too much work was waiting',
		question: 'Were requests refused because the checks did not keep up?',
	},
	{
		name: 'signature_check_threads',
		kind: 'gauge',
		unit: 'threads',
		help: 'Most threads that there may be for signature checks',
		question: 'How many cores may the checks use?',
	},
	{
		name: 'signature_check_threads_lost_total',
		kind: 'counter',
		unit: 'threads',
		help: 'Threads for signature checks that crashed or hung and were given up',
		question: 'Does some input bring the checks down?',
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
		registry.gauge('database_connections_max', connections.max);
		registry.setCount('database_connection_failures_total', connections.failures);
	});
}

/** The same signers, each of which is watched under its name. */
export function watchSigners<Signers extends Readonly<Record<string, Signer>>>(
	registry: SeriesRegistry,
	signers: Signers,
): Signers {
	registry.register(SIGNER_SERIES);
	const watched = Object.entries(signers).map(([key, signer]) => {
		// A counter that is there before the first failure: its increase would not be seen otherwise.
		registry.count('signer_failures_total', 0, { key });
		const sign = async (message: Uint8Array) => {
			const startedMs = performance.now();
			try {
				return await signer.sign(message);
			} catch (error) {
				registry.count('signer_failures_total', 1, { key });
				throw error;
			} finally {
				registry.observe('signer_duration_seconds', (performance.now() - startedMs) / 1000, { key });
			}
		};
		return [key, { algorithm: signer.algorithm, publicKey: signer.publicKey, sign }];
	});
	return Object.fromEntries(watched);
}

/** By what the marks are of. */
export function registerMarks(
	registry: SeriesRegistry,
	marks: Readonly<Record<string, Pick<MarkProbe, 'health'>>>,
): void {
	registry.register(MARK_SERIES);
	registry.onPrint(() => {
		for (const [mark, probe] of Object.entries(marks))
			registry.gauge('mark_writable', probe.health().ok ? 1 : 0, { mark });
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
