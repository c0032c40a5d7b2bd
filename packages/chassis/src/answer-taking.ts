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
	readonly socket: Socket;
	readonly beganMs: number;
	readonly beganAt: number;
	taken: number;
	movedMs: number;
}

export class AnswerTaking {
	readonly #limits: TakingLimits;
	readonly #cut: (socket: Socket) => void;
	/** The answers under way; without a value as long as there is nothing to take. */
	readonly #underWay = new Map<ServerResponse, Progress | undefined>();
	#timer: NodeJS.Timeout | undefined;

	/** `cut` ends a connection at once, what the system still holds for it included. */
	constructor(limits: TakingLimits, cut: (socket: Socket) => void) {
		this.#limits = limits;
		this.#cut = cut;
	}

	/** From the request on, until the answer has left or the connection has ended. */
	watch(response: ServerResponse): void {
		this.#underWay.set(response, undefined);
		response.once('close', () => {
			this.#underWay.delete(response);
			if (this.#underWay.size > 0) return;
			clearInterval(this.#timer);
			this.#timer = undefined;
		});
		this.#timer ??= setInterval(() => this.#look(), this.#limits.checkIntervalMs).unref();
	}

	#look(): void {
		const now = performance.now();
		for (const [response, progress] of this.#underWay) {
			const { socket } = response;
			if (!response.headersSent || socket === null) continue;
			const taken = socket.bytesWritten - socket.writableLength;
			if (progress === undefined) {
				this.#underWay.set(response, { socket, beganMs: now, beganAt: taken, taken, movedMs: now });
				continue;
			}
			if (taken !== progress.taken) {
				progress.taken = taken;
				progress.movedMs = now;
			}
			// Nothing waits for the client: the answer waits for us.
			if (socket.writableLength === 0) continue;
			const { answerStallMs, minAnswerBytesPerSecond } = this.#limits;
			const dueMs = now - progress.beganMs - answerStallMs;
			const isStalled = now - progress.movedMs > answerStallMs;
			if (isStalled || taken - progress.beganAt < (dueMs / 1000) * minAnswerBytesPerSecond) this.#cut(socket);
		}
	}
}
