/**
 * Starts a service and ends it: listeners, jobs, and an orderly stop within a fixed time, whatever clients do.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ListenAddress } from '../config/process-config.ts';
import type { BoundServer } from '../http/http-server.ts';
import { type BoundListener, bindListener } from '../http/listen.ts';
import { createProbeListener, PROBE_LISTENER } from '../http/probes.ts';
import type { AccessLog, Logger } from '../logger.ts';
import { createMetrics } from '../metrics.ts';
import type { Service } from '../service.ts';
import { openTlsPair } from '../tls/tls-pair.ts';
import { rotateTlsPair } from '../tls/tls-rotation.ts';
import { runJob } from './job-runner.ts';
import { metricsOfAll } from './process-metrics.ts';

export interface StartOptions {
	/** Where each listener of the service is bound, by its name. */
	readonly addresses: Readonly<Record<string, ListenAddress>>;
	readonly logger: Logger;
	/** Which requests have a log line. */
	readonly access?: AccessLog;
}

export interface RunningService {
	readonly name: string;
	/** Base URL of each listener, without a trailing slash. */
	readonly urls: Readonly<Record<string, string>>;
	/**
	 * Takes at most about three seconds after the drain. Later calls wait for the first.
	 *
	 * For `drainMs` everything is still answered, but readiness fails and every answer ends its connection: whoever sends
	 * traffic here has so long to notice. Default 0.
	 */
	stop(options?: { readonly drainMs?: number }): Promise<void>;
}

/** Requests under way may end within this time; then their connections are cut. */
const LAST_ANSWERS_MS = 1_800;
const SWEEP_MS = 25;
const JOBS_MS = 600;
const CLOSE_MS = 500;

/**
 * Binds all listeners, then starts the jobs. When one address cannot be bound, what was started is stopped again.
 * @throws {ConfigError} when the TLS files of an address cannot be used; Error when one is missing or cannot be bound
 */
export async function startService(service: Service, options: StartOptions): Promise<RunningService> {
	const logger = options.logger.child({ service: service.name });
	const metrics = service.metrics ?? createMetrics(service.name);
	const shown = metricsOfAll(service.name, metrics);
	const bound: (readonly [name: string, listener: BoundListener])[] = [];
	const probe = Object.hasOwn(options.addresses, PROBE_LISTENER)
		? [{ name: PROBE_LISTENER, app: createProbeListener({ logger, health: () => service.health() }) }]
		: [];
	const listeners = [...service.listeners, ...probe];
	const stopping = new AbortController();
	const rotations: (() => void)[] = [];
	let jobs: Promise<unknown> = Promise.resolve();

	const stop = async (drainMs = 0) => {
		for (const { app } of listeners) app.chassis.isDraining = true;
		if (drainMs > 0) {
			logger.info({ drainMs }, 'no longer ready; answering on until the drain is over');
			await sleep(drainMs);
		}
		for (const end of rotations) end();
		// Requests first: what waits for an answer may need a job to get it.
		await closeServers(bound.flatMap(([, listener]) => listener.servers));
		stopping.abort();
		await within(JOBS_MS, jobs, () => logger.warn('a job did not stop in time'));
		const closing = Promise.all([...listeners.map(({ app }) => app.close()), service.close()]);
		await within(
			CLOSE_MS,
			closing.catch((error: unknown) => logger.error({ err: error }, 'closing failed')),
			() => logger.warn('the service did not close in time'),
		);
		logger.info('stopped');
	};

	try {
		for (const { name, app } of listeners) {
			const address = Object.hasOwn(options.addresses, name) ? options.addresses[name] : undefined;
			if (!address) throw new Error(`${service.name} has a listener '${name}' and no address for it`);
			app.chassis.metrics ??= shown;
			if (options.access) app.chassis.access = options.access;
			const pair = address.tls && (await openTlsPair(address.tls, Date.now()));
			const listener = await bindListener(app, address, pair);
			bound.push([name, listener]);
			if (address.tls && pair) {
				const { servers } = listener;
				rotations.push(rotateTlsPair({ listener: name, files: address.tls, pair, servers, logger, metrics }));
			}
			logger.info({ listener: name, url: listener.url }, 'listening');
		}
	} catch (error) {
		await stop();
		throw error;
	}
	jobs = Promise.all(service.jobs.map((job) => runJob(job, stopping.signal, { logger, metrics })));

	let stopped: Promise<void> | undefined;
	return {
		name: service.name,
		urls: Object.fromEntries(bound.map(([name, { url }]) => [name, url])),
		stop: ({ drainMs } = {}) => {
			stopped ??= stop(drainMs);
			return stopped;
		},
	};
}

/** No new connections, idle ones closed, busy ones given `LAST_ANSWERS_MS`. Half-open connections count as busy until then. */
async function closeServers(servers: readonly BoundServer[]): Promise<void> {
	const listening = servers.filter((server) => server.listening);
	const closed = Promise.all(listening.map((server) => new Promise((resolve) => server.close(resolve))));
	const closeIdle = () => {
		for (const server of listening) server.closeIdleConnections();
	};
	closeIdle();
	// A connection whose last answer promised to keep it alive becomes idle after this moment.
	const sweep = setInterval(closeIdle, SWEEP_MS);
	await within(LAST_ANSWERS_MS, closed, () => {
		for (const server of listening) server.closeAllConnections();
	});
	clearInterval(sweep);
}

/** Waits for `work`, but not longer than `ms`; `late` is called when it took longer. */
async function within(ms: number, work: Promise<unknown>, late: () => void): Promise<void> {
	const timer = new AbortController();
	const overdue = Symbol('overdue');
	const first = await Promise.race([work, sleep(ms, overdue, { signal: timer.signal }).catch(() => undefined)]);
	timer.abort();
	if (first === overdue) late();
}
