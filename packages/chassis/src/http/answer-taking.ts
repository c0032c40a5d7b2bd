/**
 * Cuts connections whose clients do not take their answers: no byte for a while, or fewer per second than any line
 * carries, so that a byte now and then wins no time. What the system's own send buffer holds counts as taken.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface TakingLimits {
	/** A client that takes nothing for this long is cut off. */
	readonly answerStallMs: number;
	/** So much per second must be taken of every answer, after a first `answerStallMs`. */
	readonly minAnswerBytesPerSecond: number;
	/** How often is looked: a limit may come late by this much. */
	readonly checkIntervalMs: number;
}

interface Progress {
	/** Bytes that had been taken of the connection when the answer began. */
	readonly before: number;
	taken: number;
	/** Since the answer began, and since the client last took something. */
	ms: number;
	idleMs: number;
}

export class AnswerTaking {
	readonly #limits: TakingLimits;
	readonly #cut: (socket: Socket) => void;
	/** The answers under way; without a value as long as there is nothing to take. */
	readonly #underWay = new Map<ServerResponse, Progress | undefined>();
	#timer: NodeJS.Timeout | undefined;
	#lookedMs = 0;

	/** `cut` ends a connection at once, what the system still holds for it included. */
	constructor(limits: TakingLimits, cut: (socket: Socket) => void) {
		this.#limits = limits;
		this.#cut = cut;
	}

	/** From the request on. */
	begin(response: ServerResponse): void {
		this.#underWay.set(response, undefined);
		if (this.#timer !== undefined) return;
		this.#lookedMs = performance.now();
		this.#timer = setInterval(() => this.#look(), this.#limits.checkIntervalMs).unref();
	}

	/** The answer has left, or the connection has ended. */
	end(response: ServerResponse): void {
		this.#underWay.delete(response);
	}

	#look(): void {
		if (this.#underWay.size === 0) {
			clearInterval(this.#timer);
			this.#timer = undefined;
			return;
		}
		const { answerStallMs, minAnswerBytesPerSecond, checkIntervalMs } = this.#limits;
		const now = performance.now();
		// Time in which this process did not run is no fault of its clients.
		const passedMs = Math.min(now - this.#lookedMs, 2 * checkIntervalMs);
		this.#lookedMs = now;
		for (const [response, progress] of this.#underWay) {
			const { socket } = response;
			if (!response.headersSent || socket === null) continue;
			const taken = socket.bytesWritten - socket.writableLength;
			if (progress === undefined) {
				this.#underWay.set(response, { before: taken, taken, ms: 0, idleMs: 0 });
				continue;
			}
			// Nothing waits for the client: the answer waits for us.
			const isWaiting = socket.writableLength > 0;
			if (isWaiting) progress.ms += passedMs;
			progress.idleMs = isWaiting && taken === progress.taken ? progress.idleMs + passedMs : 0;
			progress.taken = taken;
			const due = ((progress.ms - answerStallMs) / 1000) * minAnswerBytesPerSecond;
			if (progress.idleMs > answerStallMs || taken - progress.before < due) this.#cut(socket);
		}
	}
}
