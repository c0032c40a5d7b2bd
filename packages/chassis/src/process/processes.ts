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
import { answerWatch, watchProcesses } from './process-watch.ts';
import { tellServiceManager } from './service-manager.ts';

/** Whether this process was started by a supervisor. */
export const isWorker = cluster.isWorker;

const EXIT_CONFIG = 78;
const EXIT_FAILURE = 1;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** A process ends itself within five seconds, and tells when it drains before. */
const STOP_LIMIT_MS = 6_000;

/** What a process tells its supervisor. */
type Notice = { readonly chancery: 'started' } | { readonly chancery: 'stopping'; readonly withinMs: number };

/** In a process of a supervisor: says that all its services listen. */
export function reportStarted(): void {
	if (isWorker) answerWatch();
	process.send?.({ chancery: 'started' } satisfies Notice);
}

/** In one of several processes: how long this one may take to stop, from now on. */
export function tellSupervisor(withinMs: number): void {
	process.send?.({ chancery: 'stopping', withinMs } satisfies Notice, () => undefined);
}

/**
 * Runs `count` processes with the arguments of this one until a signal ends them. The first has to listen before there
 * is a second: what is wrong is then told once, and ends the whole like a process that runs alone, so that whoever
 * started it decides what comes next. Later a process that ends is started again: at once when it had been running, with a
 * pause that grows while it does not start. What is at fault then, also the configuration, does not end those that serve.
 * One that is silent for half a minute is killed (`watchEveryMs` times six; tests are not so patient).
 *
 * Ends the process: 0 when all ended in order, 78 when none runs and the last says that the configuration is at fault, else 1.
 */
export async function superviseProcesses(
	count: number,
	logging: Pick<LoggerOptions, 'level' | 'json'>,
	watchEveryMs?: number,
): Promise<void> {
	const logger = createLogger({ ...logging, name: 'chancery' });
	const running = new Map<number, Worker>();
	let hasStarted = false;
	let stopSignal: NodeJS.Signals | undefined;
	let exitCode = 0;
	let limit: NodeJS.Timeout | undefined;
	let limitAtMs = 0;
	const ended = Promise.withResolvers<void>();

	const stop = (signal: NodeJS.Signals) => {
		const isFirst = stopSignal === undefined;
		stopSignal ??= signal;
		if (running.size === 0) return ended.resolve();
		if (isFirst) {
			logger.info({ signal, processes: running.size }, 'stopping');
			tellServiceManager('STOPPING=1', logger);
		}
		// A repeated signal is passed on: each process decides whether it was meant.
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
	const startAfter = (pauseMs: number, number: number, nextPauseMs: number) => {
		setTimeout(() => {
			if (stopSignal === undefined) start(number, nextPauseMs);
		}, pauseMs);
	};
	const longerThan = (pauseMs: number) => Math.min(2 * pauseMs, MAX_PAUSE_MS);

	/**
	 * One that is started again keeps its number, and its series go on under it. `pauseMs` is how long to wait for the next
	 * one, should this one not start.
	 */
	const start = (number: number, pauseMs: number) => {
		let worker: Worker;
		try {
			worker = cluster.fork({ CHANCERY_PROCESS: String(number), CHANCERY_PROCESSES: String(count) });
		} catch (error) {
			return notStarted(number, pauseMs, error);
		}
		let isStarted = false;
		running.set(number, worker);
		worker.on('message', (message: Notice | undefined) => {
			// One that somebody else tells to stop has its own limit, and is none of ours.
			if (message?.chancery === 'stopping' && stopSignal !== undefined) allow(message.withinMs + 1_000);
			if (message?.chancery !== 'started') return;
			isStarted = true;
			watch.add(worker);
			if (hasStarted || stopSignal !== undefined) return;
			hasStarted = true;
			tellServiceManager('READY=1', logger);
			for (let next = 2; next <= count; next++) start(next, FIRST_PAUSE_MS);
		});
		worker.on('error', (error) => {
			// Every other error of it is followed by its end.
			if (worker.process.pid !== undefined) return;
			running.delete(number);
			notStarted(number, pauseMs, error);
		});
		worker.on('exit', (code, signal) => {
			running.delete(number);
			// Killed, it has no code; by our own signal, because it had not come far enough to know it.
			if (stopSignal !== undefined) exitCode ||= signal === stopSignal ? 0 : (code ?? EXIT_FAILURE);
			else if (!hasStarted || (code === EXIT_CONFIG && running.size === 0)) {
				exitCode = code ?? EXIT_FAILURE;
				stop('SIGTERM');
			} else {
				const pause = isStarted ? FIRST_PAUSE_MS : pauseMs;
				logger.error({ process: number, code, signal, pauseMs: pause }, 'a process ended; it is started again');
				startAfter(pause, number, isStarted ? FIRST_PAUSE_MS : longerThan(pauseMs));
			}
			if (stopSignal !== undefined && running.size === 0) ended.resolve();
		});
	};
	/** The system has no place for another process, for example: the others do not fail for that. */
	const notStarted = (number: number, pauseMs: number, error: unknown) => {
		logger.error({ err: error, process: number, pauseMs }, 'a process could not be started; it is tried again');
		startAfter(pauseMs, number, longerThan(pauseMs));
	};

	const watch = watchProcesses((worker) => {
		logger.error({ pid: worker.process.pid }, 'a process answers no more; it is killed');
		worker.process.kill('SIGKILL');
	}, watchEveryMs);
	// Each process takes connections itself. Handed out in turn by this one, a connection that is on its way to a process
	// that is stopped or killed would never be answered, nor closed.
	cluster.schedulingPolicy = cluster.SCHED_NONE;
	relayMetrics(() => [...running.values()]);
	process.on('SIGTERM', stop);
	process.on('SIGINT', stop);
	start(1, FIRST_PAUSE_MS);
	await ended.promise;
	process.exit(exitCode);
}
