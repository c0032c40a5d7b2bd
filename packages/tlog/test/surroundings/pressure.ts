/**
 * Clients that go on submitting whatever happens to the log, and a record of what they were told: answers, refusals, and
 * how much the log held at any time.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Database } from '@chancery/postgres/sql';
import { expect } from 'vitest';
import type { Admitted } from '../../src/entry.ts';
import type { LogLimits } from '../../src/limits.ts';
import type { Log } from '../../src/log/log.ts';
import { TlogError } from '../../src/tlog-error.ts';
import { audit, auditAnswer, textEntry } from '../log-world.ts';

/** Refusals that tell a client to come back. Anything else under bad surroundings is a fault of the log. */
const PASSING = new Set(['overloaded', 'unavailable', 'read-only', 'clock-lead']);

/** Limits short enough for a test; nothing that is tested depends on how long they are. */
export const SHORT_LIMITS = {
	submitTimeoutMs: 1_000,
	signTimeoutMs: 500,
	markTimeoutMs: 500,
	heartbeatMs: 400,
	refreshMs: 50,
} satisfies Partial<LogLimits>;

/** How long a test waits for what comes at once on an idle machine. */
export const POLLING = { timeout: 30_000 } as const;

const SAMPLE_MS = 20;
const BACK_OFF_MS = 15;

export class Pressure {
	readonly accepted: { readonly text: string; readonly answer: Admitted }[] = [];
	/** Refusals by code. */
	readonly refusals = new Map<string, number>();
	/** What no client should ever read. */
	readonly complaints: string[] = [];
	/** Everything that health said was wrong. */
	readonly diagnoses = new Set<string>();
	maxWaiting = 0;
	maxUnpublished = 0;
	readonly #log: Log;
	readonly #running: Promise<void>[] = [];
	readonly #heartbeat = new AbortController();
	#stopped = false;

	/** `clients` at once, each with entries of its own; the heartbeat of the log runs as in a service. */
	constructor(log: Log, clients: number, name = 'under pressure') {
		this.#log = log;
		for (let client = 0; client < clients; client++) this.#running.push(this.#submitAll(`${name} ${client}`));
		this.#running.push(this.#sample(), log.heartbeat.run(this.#heartbeat.signal));
	}

	get refused(): number {
		return [...this.refusals.values()].reduce((sum, count) => sum + count, 0);
	}

	/** Resolves when so many more have been answered: the log is at work (again). */
	async untilAccepted(more: number, timeoutMs = 60_000): Promise<void> {
		const goal = this.accepted.length + more;
		await expect.poll(() => this.accepted.length, { timeout: timeoutMs, interval: 20 }).toBeGreaterThanOrEqual(goal);
	}

	async untilRefused(more: number, timeoutMs = 60_000): Promise<void> {
		const goal = this.refused + more;
		await expect.poll(() => this.refused, { timeout: timeoutMs, interval: 20 }).toBeGreaterThanOrEqual(goal);
	}

	async stop(): Promise<void> {
		this.#stopped = true;
		this.#heartbeat.abort();
		await Promise.all(this.#running);
	}

	/** Judges everything that was answered against what is stored, read by somebody who was not part of it. */
	async judge(database: Database): Promise<void> {
		expect(this.complaints).toEqual([]);
		const { leaves, tree } = await audit(database);
		expect(new Set(leaves).size).toBe(leaves.length);
		const wrong = this.accepted.map(({ text, answer }) =>
			leaves[answer.index] === text ? auditAnswer(answer, tree) : `entry ${answer.index} is not '${text}'`,
		);
		expect(wrong.filter(Boolean)).toEqual([]);
	}

	async #submitAll(name: string): Promise<void> {
		for (let i = 0; !this.#stopped; i++) {
			const text = `${name} ${i}`;
			try {
				this.accepted.push({ text, answer: await this.#log.submit(textEntry(text)) });
			} catch (error) {
				this.#refuse(error);
				await pause(BACK_OFF_MS);
			}
		}
	}

	#refuse(error: unknown): void {
		if (!(error instanceof TlogError) || !PASSING.has(error.code)) {
			this.complaints.push(String(error));
			return;
		}
		if (error.retryAfterSeconds !== undefined && error.retryAfterSeconds < 1)
			this.complaints.push(`come back after ${error.retryAfterSeconds} s: ${error.message}`);
		this.refusals.set(error.code, (this.refusals.get(error.code) ?? 0) + 1);
	}

	async #sample(): Promise<void> {
		while (!this.#stopped) {
			const { writable, detail, waiting, unpublished } = this.#log.health();
			if (!writable) this.diagnoses.add(detail);
			this.maxWaiting = Math.max(this.maxWaiting, waiting);
			this.maxUnpublished = Math.max(this.maxUnpublished, unpublished);
			await pause(SAMPLE_MS);
		}
	}
}

/** Bytes that are still reachable: what a queue without a bound would show in. */
export function heldBytes(): number {
	setFlagsFromString('--expose-gc');
	(runInNewContext('gc') as () => void)();
	const { heapUsed, external } = process.memoryUsage();
	return heapUsed + external;
}

export function pause(ms: number): Promise<void> {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

export function never(): Promise<never> {
	return new Promise<never>(() => undefined);
}
