/**
 * Several processes of one host that share their listeners, for more than one core. One supervises, and serves nothing
 * itself; the others are whole processes of `serve`. The database's head lock orders the writers, a file mark is shared
 * through the kernel's lock, and so none of them leads.
 *
 * A kill of one loses nothing that was acknowledged, and the supervisor starts another. When the supervisor is killed, the
 * others end with it, as if they had been killed too.
 */
import cluster, { type Worker } from 'node:cluster';
import { createLogger, type LoggerOptions } from '../logger.ts';
import { relayMetrics } from './process-metrics.ts';

/** Whether this process was started by a supervisor. */
export const isWorker = cluster.isWorker;

const EXIT_CONFIG = 78;
const EXIT_FAILURE = 1;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** One that has run for so long did not fail to start. */
const SETTLED_MS = 60_000;
/** A process ends itself within five seconds, and tells when it drains before. */
const STOP_LIMIT_MS = 6_000;

/** What a process tells its supervisor. */
type Notice = { readonly chancery: 'started' } | { readonly chancery: 'stopping'; readonly withinMs: number };

/** In a process of a supervisor: says that all its services listen. */
export function reportStarted(): void {
	process.send?.({ chancery: 'started' } satisfies Notice);
}

/** In one of several processes: how long this one may take to stop, from now on. */
export function tellSupervisor(withinMs: number): void {
	process.send?.({ chancery: 'stopping', withinMs } satisfies Notice, () => undefined);
}

/**
 * Runs `count` processes with the arguments of this one until a signal ends them. The first has to listen before there
 * is a second: what is wrong is then told once, and ends the whole like a process that runs alone, so that whoever
 * started it decides what comes next. Later a process that ends is started again, with a pause that grows.
 *
 * Ends the process: 0 when all ended in order, 78 when one of them says that the configuration is at fault, else 1.
 */
export async function superviseProcesses(count: number, logging: Pick<LoggerOptions, 'level' | 'json'>): Promise<void> {
	const logger = createLogger({ ...logging, name: 'chancery' });
	const running = new Map<number, Worker>();
	let hasStarted = false;
	let isStopping = false;
	let exitCode = 0;
	let limit: NodeJS.Timeout | undefined;
	let limitAtMs = 0;
	const ended = Promise.withResolvers<void>();

	const stop = (signal: NodeJS.Signals) => {
		if (isStopping) return;
		isStopping = true;
		if (running.size === 0) return ended.resolve();
		logger.info({ signal, processes: running.size }, 'stopping');
		for (const worker of running.values()) worker.process.kill(signal);
		allow(STOP_LIMIT_MS);
	};
	/** Those that are told to stop have at least so long from now. */
	const allow = (limitMs: number) => {
		const untilMs = performance.now() + limitMs;
		if (untilMs < limitAtMs) return;
		limitAtMs = untilMs;
		clearTimeout(limit);
		limit = setTimeout(() => {
			logger.fatal({ limitMs }, 'the stop took too long');
			for (const worker of running.values()) worker.process.kill('SIGKILL');
			process.exit(EXIT_FAILURE);
		}, limitMs).unref();
	};

	const start = (number: number, pauseMs: number) => {
		const startedMs = performance.now();
		// One that is started again keeps its number, and its series go on under it.
		const worker = cluster.fork({ CHANCERY_PROCESS: String(number) });
		running.set(number, worker);
		worker.on('message', (message: Notice | undefined) => {
			if (message?.chancery === 'stopping') allow(message.withinMs + 1_000);
			if (message?.chancery !== 'started' || hasStarted || isStopping) return;
			hasStarted = true;
			for (let next = 2; next <= count; next++) start(next, FIRST_PAUSE_MS);
		});
		worker.on('exit', (code, signal) => {
			running.delete(number);
			// Killed, it has no code.
			if (isStopping) exitCode ||= code ?? EXIT_FAILURE;
			else if (!hasStarted || code === EXIT_CONFIG) {
				exitCode = code ?? EXIT_FAILURE;
				stop('SIGTERM');
			} else {
				const pause = performance.now() - startedMs > SETTLED_MS ? FIRST_PAUSE_MS : pauseMs;
				logger.error({ process: number, code, signal, pauseMs: pause }, 'a process ended; it is started again');
				setTimeout(() => {
					if (!isStopping) start(number, Math.min(pause * 2, MAX_PAUSE_MS));
				}, pause);
			}
			if (isStopping && running.size === 0) ended.resolve();
		});
	};

	relayMetrics(() => [...running.values()]);
	process.on('SIGTERM', stop);
	process.on('SIGINT', stop);
	start(1, FIRST_PAUSE_MS);
	await ended.promise;
	process.exit(exitCode);
}
