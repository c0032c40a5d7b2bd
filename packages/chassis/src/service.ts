/** What an opened service is to whoever runs it: listeners, jobs, health and an end. */
import type { FastifyInstance } from 'fastify';
import type { Metrics } from './metrics.ts';

/** Unix time in milliseconds. */
export type Clock = () => number;

/** A loop that runs as long as the service does. */
export interface Job {
	readonly name: string;
	/**
	 * Returns soon after `signal` is aborted. When it throws it is started again after a growing pause; when it returns
	 * before the signal, it has nothing more to do.
	 */
	run(signal: AbortSignal): Promise<void>;
}

export interface ServiceListener {
	readonly name: string;
	readonly app: FastifyInstance;
}

export interface Health {
	/** May traffic be sent here? */
	readonly ready: boolean;
	readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail: string }>>;
}

export interface Service {
	readonly name: string;
	readonly listeners: readonly ServiceListener[];
	readonly jobs: readonly Job[];
	/** The service's own counters; absent means only those of the chassis. */
	readonly metrics?: Metrics;
	health(): Promise<Health>;
	/** Called once, after the listeners have drained and the jobs have ended. Does not close the database: its opener does. */
	close(): Promise<void>;
}
