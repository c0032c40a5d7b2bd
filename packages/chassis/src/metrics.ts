/**
 * What one service measures, in a registry of its own, so that several services in one process do not mix.
 */
import cluster from 'node:cluster';
import type { SignatureChecks } from '@chancery/keys/checks/signature-checks';
import type { Signer } from '@chancery/keys/signer';
import type { MarkProbe } from '@chancery/postgres/mark/mark-probe';
import type { Database } from '@chancery/postgres/sql';
import {
	CHASSIS_SERIES,
	registerChecks,
	registerDatabase,
	registerMarks,
	registerProcess,
	watchSigners,
} from './chassis-series.ts';
import type { MetricsPort, Series } from './series.ts';
import { SeriesRegistry, type SeriesSnapshot } from './series-registry.ts';

/** What the chassis itself does with the series of a service. */
export interface Metrics {
	/** Media type of `print`. */
	readonly contentType: string;
	/** All series in the text format of Prometheus. */
	print(): Promise<string>;
	/** The same, for another process of this host to print. */
	snapshot(): Promise<SeriesSnapshot>;
	/** One answered request; `route` is the pattern, never the path, so that clients cannot make new series. */
	observeRequest(at: RequestSample): void;
	/** One refusal; `reason` is a code of an error table. */
	countRefusal(at: { readonly listener: string; readonly route: string; readonly reason: string }): void;
	countJobFailure(job: string): void;
	/** When the TLS certificate that `listener` shows expires; a series that does not move on is one that nobody renews. */
	setCertificateEnd(listener: string, unixSeconds: number): void;
}

/** The same with the series of the service's own. */
export interface ServiceMetrics<Table extends readonly Series[]> extends Metrics, MetricsPort<Table> {
	/** Calls `read` before each print, to set gauges that are read rather than kept. It must not throw, nor wait. */
	onPrint(read: () => void): void;
	/** The same signers, each watched under its name: `createService` calls it once, and signs with nothing else. */
	ofSigners<Signers extends Readonly<Record<string, Signer>>>(signers: Signers): Signers;
	/** Shows whether each mark can be written, by what it is of. To be called once. */
	ofMarks(marks: Readonly<Record<string, Pick<MarkProbe, 'health'>>>): void;
	/**
	 * The port of a log engine, whose table is registered with the first log that asks: every series of `table` carries
	 * `log="<logId>"`. `by` of its counts may be left out.
	 */
	ofLog<Engine extends readonly Series[]>(table: Engine, logId: string): LogMetrics<Engine>;
}

/** As `MetricsPort`, for the one log that it is made for: the series of an engine have no labels of their own. */
export interface LogMetrics<Engine extends readonly Series[]> {
	count(name: Engine[number]['name'], by?: number): void;
	gauge(name: Engine[number]['name'], value: number): void;
	observe(name: Engine[number]['name'], seconds: number): void;
}

export interface RequestSample {
	readonly listener: string;
	readonly method: string;
	readonly route: string;
	/** HTTP status, or 499 when the client left first. */
	readonly status: number;
	readonly seconds: number;
}

export interface MetricsOptions<Table extends readonly Series[]> {
	/** The service's own series. */
	readonly series?: Table;
	/** Whose pool is to be watched. */
	readonly database?: Pick<Database, 'connections'>;
	readonly checks?: Pick<SignatureChecks, 'status'>;
}

/** Makes the registry of the service `name`; every series carries `service="<name>"`, in one of several processes `process="<number>"` too. */
export function createMetrics<const Table extends readonly Series[] = readonly []>(
	name: string,
	{ series, database, checks }: MetricsOptions<Table> = {},
): ServiceMetrics<Table> {
	const number = process.env.CHANCERY_PROCESS;
	const registry = new SeriesRegistry({ service: name, ...(cluster.isWorker && number ? { process: number } : {}) });
	registry.register([...CHASSIS_SERIES, ...(series ?? [])]);
	registerProcess(registry);
	if (database) registerDatabase(registry, database);
	if (checks) registerChecks(registry, checks);
	const engines = new Set<readonly Series[]>();

	return {
		contentType: registry.contentType,
		print: () => registry.print(),
		snapshot: () => registry.snapshot(),
		observeRequest: ({ seconds, status, ...labels }) =>
			registry.observe('http_request_duration_seconds', seconds, { ...labels, status: String(status) }),
		countRefusal: (labels) => registry.count('http_refusals_total', 1, labels),
		countJobFailure: (job) => registry.count('job_failures_total', 1, { job }),
		setCertificateEnd: (listener, unixSeconds) =>
			registry.gauge('tls_certificate_expiry_timestamp_seconds', unixSeconds, { listener }),
		count: (series, by, ...[labels]) => registry.count(series, by, labels),
		gauge: (series, value, ...[labels]) => registry.gauge(series, value, labels),
		observe: (series, value, ...[labels]) => registry.observe(series, value, labels),
		time: async (series, work, ...[labels]) => {
			const startedMs = performance.now();
			try {
				return await work();
			} finally {
				registry.observe(series, (performance.now() - startedMs) / 1000, labels);
			}
		},
		onPrint: (read) => registry.onPrint(read),
		ofSigners: (signers) => watchSigners(registry, signers),
		ofMarks: (marks) => registerMarks(registry, marks),
		ofLog: (table, log) => {
			if (!engines.has(table)) registry.register(table, ['log']);
			engines.add(table);
			// There before the first event: its increase would not be seen otherwise.
			for (const { name, kind } of table) if (kind === 'counter') registry.count(name, 0, { log });
			return {
				count: (series, by = 1) => registry.count(series, by, { log }),
				gauge: (series, value) => registry.gauge(series, value, { log }),
				observe: (series, seconds) => registry.observe(series, seconds, { log }),
			};
		},
	};
}
