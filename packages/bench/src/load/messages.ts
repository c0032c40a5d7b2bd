/**
 * What the benchmark and its load generator, a process of its own, say to each other.
 */
import type { TrustedLog } from '../judge/checkpoint.ts';
import type { Wire } from './workloads.ts';

export interface LoadTarget {
	readonly host: string;
	readonly port: number;
	readonly wire: Wire;
	readonly log: TrustedLog;
}

export type LoadCommand =
	/** Signs so many entries for later windows. */
	| { readonly kind: 'prepare'; readonly workload: string; readonly entries: number }
	/** One window of closed-loop load with prepared entries. */
	| {
			readonly kind: 'window';
			readonly target: LoadTarget;
			readonly workload: string;
			readonly clients: number;
			readonly windowMs: number;
	  }
	/** Verifies every answer of the window before; apart from it, so that the work does not fall into the measurement. */
	| { readonly kind: 'verify' };

export interface WindowReport {
	/** From the first request until the window was over, or the prepared entries were used up. */
	readonly elapsedMs: number;
	/** Acknowledged within `elapsedMs`. */
	readonly acknowledged: number;
	/** Acknowledged in all, with what was under way at the end. */
	readonly answered: number;
	/** Refused with 429 or 503 and Retry-After; the entry was sent again. */
	readonly refused: number;
	/** Prepared entries ran out before the time did. */
	readonly ranOut: boolean;
	/** Milliseconds from sending to the whole answer, ascending, of every acknowledged write. */
	readonly latenciesMs: Float64Array;
	/** Answers that were verified: all of them. */
	readonly verified: number;
	/** Checkpoints that were rebuilt from all leaves of the log, or connected by a consistency proof. */
	readonly history: 'rebuilt' | 'consistency proof' | 'one root per size';
	/** Bytes of one request and one answer, on average. */
	readonly requestBytes: number;
	readonly answerBytes: number;
	readonly complaints: readonly string[];
}

export type LoadReply =
	| { readonly kind: 'done' }
	| { readonly kind: 'report'; readonly report: WindowReport }
	| { readonly kind: 'failed'; readonly reason: string };
