/**
 * What the load generator must know of a kind of service: how to make requests, and how to verify answers.
 */
import type { History } from './messages.ts';

export interface Prepared {
	readonly body: string | Uint8Array;
	/** Unix milliseconds: it is not sent in a window that begins later. Forever when absent. */
	readonly usableUntilMs?: number;
}

/**
 * One server under load. It stores what the server has stated, to detect later answers that contradict it. `Made` is a promise where
 * the server itself is asked for a part of the request.
 */
export interface Subject<Request extends Prepared = Prepared, Made extends Request | Promise<Request> = Request> {
	/** Of the POST requests. */
	readonly path: string;
	readonly contentType: string;
	/** Statuses of an acknowledgement. */
	readonly successes: readonly number[];
	/** Requests that are made at a time. One when absent. */
	readonly madeAtOnce?: number;
	/** Before the first window. */
	open(): Promise<void>;
	/** Makes and signs a request that was never made before. */
	make(workload: string): Made;
	/** Complaints about a successful answer; none when it proves everything that it must. `request` was made by this subject. */
	judge(request: Request, body: Buffer): string[];
	/** Called when no request is running: what all answers together prove, and complaints. */
	settle(): Promise<{ readonly history: History; readonly complaints: readonly string[] }>;
}
