/**
 * Several processes of one host that share their listeners, for more than one core. One supervises, and serves nothing
 * itself; the others are whole processes of `serve`. The database's head lock orders the writers, a file mark is shared
 * through the kernel's lock, and so none of them leads.
 *
 * A kill of one loses nothing that was acknowledged, and the supervisor starts another. When the supervisor is killed, the
 * others end with it, as if they had been killed too.
 */
import cluster, { type Worker } from 'node:cluster';
import { createLogger } from '../logger.ts';
import { relayMetrics } from './process-metrics.ts';

/** Whether this process was started by a supervisor. */
export const isWorker = cluster.isWorker;

const EXIT_CONFIG = 78;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 30_000;
/** One that has run for so long did not fail to start. */
const SETTLED_MS = 60_000;
/** A process ends itself within five seconds. */
const STOP_LIMIT_MS = 6_000;

/**
 * Runs `count` processes with the arguments of this one until a signal ends them. Ends the process: 0 when all ended in
 * order, 78 when one of them says that the configuration is at fault, else 1.
 */
export async function superviseProcesses(count: number): Promise<void> {
	const logger = createLogger({ level: 'info', json: true, name: 'chancery' });
	const running = new Map<number, Worker>();
	let isStopping = false;
	let exitCode = 0;
	const ended = Promise.withResolvers<void>();

	const stop = (signal: NodeJS.Signals) => {
		if (isStopping) return;
		isStopping = true;
		logger.info({ signal, processes: running.size }, 'stopping');
		for (const worker of running.values()) worker.process.kill(signal);
		if (running.size === 0) ended.resolve();
		setTimeout(() => {
			logger.fatal({ limitMs: STOP_LIMIT_MS }, 'the stop took too long');
			for (const worker of running.values()) worker.process.kill('SIGKILL');
			process.exit(1);
		}, STOP_LIMIT_MS).unref();
	};

	const start = (number: number, pauseMs: number) => {
		const startedMs = performance.now();
		// One that is started again keeps its number, and its series go on under it.
		const worker = cluster.fork({ CHANCERY_PROCESS: String(number) });
		running.set(number, worker);
		worker.on('exit', (code, signal) => {
			running.delete(number);
			if (code !== 0 && code !== null && isStopping) exitCode ||= code;
			if (code === EXIT_CONFIG && !isStopping) {
				exitCode = EXIT_CONFIG;
				stop('SIGTERM');
			}
			if (isStopping) {
				if (running.size === 0) ended.resolve();
				return;
			}
			const pause = performance.now() - startedMs > SETTLED_MS ? FIRST_PAUSE_MS : pauseMs;
			logger.error({ process: number, code, signal, pauseMs: pause }, 'a process ended; it is started again');
			setTimeout(() => {
				if (!isStopping) start(number, Math.min(pause * 2, MAX_PAUSE_MS));
			}, pause);
		});
	};

	relayMetrics(() => [...running.values()]);
	process.on('SIGTERM', stop);
	process.on('SIGINT', stop);
	for (let number = 1; number <= count; number++) start(number, FIRST_PAUSE_MS);
	await ended.promise;
	process.exit(exitCode);
}
