/**
 * What the load generator knows of a kind of service: how its requests are made, and who judges the answers.
 */
import type { History } from './messages.ts';

export interface Prepared {
	readonly body: string | Uint8Array;
}

/** One server under load. What it has said so far is remembered, so that later answers can contradict it. */
export interface Subject<Request extends Prepared = Prepared> {
	/** Of the POST requests. */
	readonly path: string;
	readonly contentType: string;
	/** Statuses of an acknowledgement. */
	readonly successes: readonly number[];
	/** Before the first window. */
	open(): Promise<void>;
	/** Makes and signs a request that was never made before. */
	make(workload: string): Request;
	/**
	 * Complaints about an answer that was a success; none when it proves everything that it should. `request` was made by
	 * this subject or another one of its kind.
	 */
	judge(request: Request, body: Buffer): string[];
	/** When nothing is under way: what all answers together prove, and complaints. */
	settle(): Promise<{ readonly history: History; readonly complaints: readonly string[] }>;
}
