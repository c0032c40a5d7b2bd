/**
 * Closed-loop clients: each sends a request, waits for its answer, and sends the next, until the window is over.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type HttpAnswer, HttpConnection } from './http-connection.ts';

export interface SentRequest {
	/** Position among the requests. */
	readonly position: number;
	readonly answer: HttpAnswer;
	readonly latencyMs: number;
}

export interface LoopResult {
	readonly elapsedMs: number;
	/** Number of successful answers within `elapsedMs`. */
	readonly inTime: number;
	/** All answers, acknowledged or not. */
	readonly sent: readonly SentRequest[];
	readonly refused: number;
	/** Number of requests that were started, answered or not. */
	readonly taken: number;
	readonly ranOut: boolean;
	/** The error that ended a client early. */
	readonly failures: readonly string[];
}

/** Clients wait less than a busy server asks for: otherwise a closed loop would measure the waiting. */
const REFUSED_PAUSE_MS = 100;

export async function runClosedLoop(options: {
	readonly host: string;
	readonly port: number;
	/** Of all processes, if there are several: each client stays with one. */
	readonly ports?: readonly number[];
	readonly clients: number;
	readonly windowMs: number;
	/** Complete requests, each for one use. */
	readonly requests: readonly Uint8Array[];
}): Promise<LoopResult> {
	const { host, port, ports = [port], clients, windowMs, requests } = options;
	const connections = await Promise.all(
		Array.from({ length: clients }, (_, i) => HttpConnection.open(host, ports[i % ports.length] ?? port)),
	);
	const sent: SentRequest[] = [];
	const failures: string[] = [];
	let next = 0;
	let refused = 0;
	let inTime = 0;
	let ranOutMs: number | undefined;
	const startMs = performance.now();
	const endMs = startMs + windowMs;

	const client = async (connection: HttpConnection) => {
		while (performance.now() < endMs && failures.length === 0) {
			const position = next++;
			const request = requests[position];
			if (request === undefined) {
				ranOutMs ??= performance.now();
				return;
			}
			for (;;) {
				const beganMs = performance.now();
				const answer = await connection.exchange(request);
				const overMs = performance.now();
				if (isRefusal(answer)) {
					refused += 1;
					await sleep(REFUSED_PAUSE_MS);
					if (performance.now() >= endMs) return;
					continue;
				}
				sent.push({ position, answer, latencyMs: overMs - beganMs });
				if (overMs <= endMs && ranOutMs === undefined) inTime += 1;
				break;
			}
		}
	};
	await Promise.all(
		connections.map((connection) =>
			client(connection).catch((error: unknown) => {
				failures.push(error instanceof Error ? error.message : String(error));
			}),
		),
	);
	for (const connection of connections) connection.close();
	return {
		elapsedMs: (ranOutMs ?? endMs) - startMs,
		inTime,
		sent,
		refused,
		taken: Math.min(next, requests.length),
		ranOut: ranOutMs !== undefined,
		failures,
	};
}

/** An orderly refusal: it says when to come back. */
function isRefusal({ status, retryAfter }: HttpAnswer): boolean {
	return (status === 429 || status === 503) && retryAfter !== undefined;
}
