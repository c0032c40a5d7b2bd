/** A log on a pair of servers, its mark in a database of a third one, and replicas of it in this process. */

import { migrateMarks, openDatabaseMark } from '@chancery/postgres/mark/database-mark';
import type { AdoptableMarkStore } from '@chancery/postgres/mark/mark';
import { type DatabaseOptions, openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { createTestDatabase, type TestDatabase } from '@chancery/testkit/test-database';
import { expect, vi } from 'vitest';
import { type Adoption, adoptHead } from '../../src/log/adopt-head.ts';
import { createLog } from '../../src/log/create-log.ts';
import { type Log, type OpenLogOptions, openLog } from '../../src/log/log.ts';
import { migrateTlog } from '../../src/migrate.ts';
import { IDENTITY, SCHEMA, signHead, textEntry } from '../log-world.ts';
import { makeReceipt } from '../statement.ts';
import { type ServerPair, startPair } from './server-pair.ts';

const MARKS = 'marks';

export interface Replica {
	readonly log: Log;
	readonly database: Database;
	close(): Promise<void>;
}

export interface ReplicaOptions extends Partial<OpenLogOptions> {
	readonly markName?: string;
	readonly pool?: Partial<DatabaseOptions>;
}

export class ReplicatedWorld {
	readonly pair: ServerPair;
	readonly #marks: TestDatabase;
	readonly #open = new Set<Replica>();

	private constructor(pair: ServerPair, marks: TestDatabase) {
		this.pair = pair;
		this.#marks = marks;
	}

	static async start(): Promise<ReplicatedWorld> {
		const marks = await createTestDatabase();
		await migrateMarks(marks.database, MARKS);
		const pair = await startPair(async (database) => {
			await migrateTlog(database, SCHEMA);
			await createLog(database, SCHEMA, IDENTITY);
		});
		return new ReplicatedWorld(pair, marks);
	}

	mark(name = 'log'): AdoptableMarkStore {
		return openDatabaseMark({ database: this.#marks.database, schema: MARKS, name });
	}

	async open({ markName, pool, ...options }: ReplicaOptions = {}): Promise<Replica> {
		const database = openDatabase({ url: this.pair.url, applicationName: 'replica', maxConnections: 4, ...pool });
		const log = await openLog({
			database,
			schema: SCHEMA,
			identity: IDENTITY,
			mark: this.mark(markName),
			clock: Date.now,
			signHead,
			signReceipt: async (entry) => makeReceipt(entry),
			...options,
			limits: { submitTimeoutMs: 3_000, refreshMs: 50, ...options.limits },
		});
		const replica = {
			log,
			database,
			close: async () => {
				if (!this.#open.delete(replica)) return;
				await log.close();
				await database.close();
			},
		};
		this.#open.add(replica);
		return replica;
	}

	/** `log adopt-head`, on the server that was the standby. */
	adopt(expected: number, markName?: string): Promise<Adoption> {
		return adoptHead({
			database: this.pair.standby,
			schema: SCHEMA,
			identity: IDENTITY,
			mark: this.mark(markName),
			expect: expected,
			reason: 'the primary is lost for good',
		});
	}

	async end(): Promise<void> {
		for (const replica of this.#open) await replica.close();
		await this.pair.end();
		await this.#marks.drop();
	}
}

export async function submitAll(log: Log, prefix: string, count: number): Promise<void> {
	await Promise.all(Array.from({ length: count }, (_, i) => log.submit(textEntry(`${prefix} ${i}`))));
}

/** Sooner or later: a replica finds out when its connections have led it somewhere else. */
export async function expectRefused(log: Log, reason: RegExp): Promise<void> {
	await vi.waitFor(
		() =>
			expect(log.submit(textEntry('refused'))).rejects.toMatchObject({
				code: 'read-only',
				detail: expect.stringMatching(reason),
				retryAfterSeconds: expect.any(Number),
			}),
		{ timeout: 15_000, interval: 200 },
	);
	expect(log.health()).toMatchObject({ writable: false, detail: expect.stringMatching(reason) });
}
