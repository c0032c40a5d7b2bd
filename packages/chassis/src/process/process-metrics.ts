/**
 * Metrics of several processes behind one admin listener. Whichever of them is asked, all of them answer: each series
 * carries the number of its process, so nothing is added up here that an operator might want apart.
 */
import cluster, { type Worker } from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Metrics } from '../metrics.ts';
import { printSnapshots, type SeriesSnapshot } from '../series-registry.ts';

interface Question {
	readonly chancery: 'metrics?';
	readonly id: string;
	readonly service: string;
}

interface Answer {
	readonly chancery: 'metrics!';
	readonly id: string;
	readonly snapshots: readonly SeriesSnapshot[];
}

/** A process that starts, or hangs, is left out: its series are missing for that moment, as if it were not there. */
const ANSWER_WITHIN_MS = 1_000;

/** In the supervisor: passes each question on to all processes, and their answers back as one. */
export function relayMetrics(workers: () => readonly Worker[]): void {
	const waiting = new Map<string, (snapshots: readonly SeriesSnapshot[]) => void>();
	cluster.on('message', (asker: Worker, message: unknown) => {
		if (isAnswer(message)) waiting.get(message.id)?.(message.snapshots);
		if (!isQuestion(message)) return;
		const asked = workers().map((worker) => {
			const id = `${message.id}/${worker.id}`;
			const answered = new Promise<readonly SeriesSnapshot[]>((resolve) => waiting.set(id, resolve));
			send(worker, { ...message, id });
			const late = sleep(ANSWER_WITHIN_MS, [], { ref: false });
			return Promise.race([answered, late]).finally(() => waiting.delete(id));
		});
		void Promise.all(asked).then((all) =>
			send(asker, { chancery: 'metrics!', id: message.id, snapshots: all.flat() } satisfies Answer),
		);
	});
}

/** A process that has ended meanwhile is asked nothing. */
function send(worker: Worker, message: Question | Answer): void {
	if (worker.isConnected()) worker.send(message, () => undefined);
}

const own = new Map<string, Metrics>();
const asking = new Map<string, (snapshots: readonly SeriesSnapshot[]) => void>();
let questions = 0;

/** In one of several processes: the metrics of a service as all of them have it. Elsewhere: `metrics` itself. */
export function metricsOfAll(service: string, metrics: Metrics): Metrics {
	if (!cluster.isWorker || !process.send) return metrics;
	if (own.size === 0) process.on('message', (message) => void answer(message));
	own.set(service, metrics);
	return {
		...metrics,
		print: async () => {
			const id = `${process.pid}-${++questions}`;
			const answered = new Promise<readonly SeriesSnapshot[]>((resolve) => asking.set(id, resolve));
			process.send?.({ chancery: 'metrics?', id, service } satisfies Question);
			const late = sleep(2 * ANSWER_WITHIN_MS, undefined, { ref: false });
			const snapshots = await Promise.race([answered, late]).finally(() => asking.delete(id));
			return printSnapshots(snapshots ?? [await metrics.snapshot()]);
		},
	};
}

async function answer(message: unknown): Promise<void> {
	if (isAnswer(message)) asking.get(message.id)?.(message.snapshots);
	if (!isQuestion(message)) return;
	const metrics = own.get(message.service);
	const snapshots = metrics ? [await metrics.snapshot()] : [];
	process.send?.({ chancery: 'metrics!', id: message.id, snapshots } satisfies Answer);
}

function isQuestion(message: unknown): message is Question {
	return (message as Question | null)?.chancery === 'metrics?';
}

function isAnswer(message: unknown): message is Answer {
	return (message as Answer | null)?.chancery === 'metrics!';
}
