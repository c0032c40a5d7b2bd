/**
 * Makes large answers a few at a time. While one is made it costs several times its length, in rows and in pieces, and
 * a hundred at once would fill the memory before `HeldAnswers` has seen any of them.
 *
 * Clients take turns, whatever number of requests each has sent; whoever waits holds nothing but the request.
 */
import { DomainError } from '../domain-error.ts';

const MAX_AT_ONCE = 4;
const MAX_WAITING = 256;
const MAX_WAITING_OF_CLIENT = 64;

export class AnswerTurns {
	/** Who waits, by client; the client at the front is the next. */
	readonly #waiting = new Map<string, (() => void)[]>();
	#waitingCount = 0;
	#atWork = 0;

	/** @throws {DomainError} `unavailable` when too many wait; and whatever `work` throws */
	async take<T>(client: string, work: () => Promise<T> | T): Promise<T> {
		if (this.#atWork < MAX_AT_ONCE) this.#atWork++;
		else await this.#wait(client);
		try {
			return await work();
		} finally {
			this.#passOn();
		}
	}

	#wait(client: string): Promise<void> {
		const line = this.#waiting.get(client) ?? [];
		if (this.#waitingCount >= MAX_WAITING || line.length >= MAX_WAITING_OF_CLIENT)
			throw new DomainError('unavailable', 'too many large answers are asked for at the same time; try again', {
				retryAfterSeconds: 1,
			});
		this.#waitingCount++;
		this.#waiting.set(client, line);
		return new Promise((resolve) => line.push(resolve));
	}

	#passOn(): void {
		const [client, line] = this.#waiting.entries().next().value ?? [];
		const next = line?.shift();
		if (client === undefined || line === undefined || next === undefined) {
			this.#atWork--;
			return;
		}
		this.#waitingCount--;
		this.#waiting.delete(client);
		if (line.length > 0) this.#waiting.set(client, line);
		next();
	}
}
