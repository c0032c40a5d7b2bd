/**
 * A log on a database server of its own, for surroundings that no other test may share: stopped, full, crowded out.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import type { LogLimits } from '../../src/limits.ts';
import { createLog } from '../../src/log/create-log.ts';
import { type Log, openLog } from '../../src/log/log.ts';
import { migrateTlog } from '../../src/migrate.ts';
import { IDENTITY, SCHEMA, SharedMark, signHead } from '../log-world.ts';
import { makeReceipt } from '../statement.ts';

const DATABASE = 'log';

export class OwnServer {
	readonly #base: string;
	#server: EmbeddedPostgres;
	#hasEnded = false;
	readonly url: string;
	/** Of the log. */
	readonly database: Database;
	readonly log: Log;

	private constructor(base: string, server: EmbeddedPostgres, database: Database, log: Log) {
		this.#base = base;
		this.#server = server;
		this.url = server.url(DATABASE);
		this.database = database;
		this.log = log;
		this.#watch();
	}

	/** @param prepare makes the folder ready before the cluster is put into it. */
	static async start(limits: Partial<LogLimits>, prepare?: (folder: string) => Promise<void>): Promise<OwnServer> {
		const base = await mkdtemp(join(tmpdir(), 'tlog-surroundings-'));
		await prepare?.(base);
		// For root: the user the server runs as has to pass.
		await chmod(base, 0o711);
		const server = await startEmbedded({ dataDir: join(base, 'data') });
		await server.createDatabase(DATABASE);
		const url = server.url(DATABASE);
		const database = openDatabase({ url, applicationName: 'log', maxConnections: 4, connectTimeoutMs: 2_000 });
		await migrateTlog(database, SCHEMA);
		await createLog(database, SCHEMA, IDENTITY);
		const log = await openLog({
			database,
			schema: SCHEMA,
			identity: IDENTITY,
			mark: new SharedMark(),
			clock: Date.now,
			signHead,
			signReceipt: async (entry) => makeReceipt(entry),
			limits,
		});
		return new OwnServer(base, server, database, log);
	}

	/** True when the server's main process is gone, asked for or not. */
	get hasEnded(): boolean {
		return this.#hasEnded;
	}

	async stop(): Promise<void> {
		await this.#server.stop();
	}

	/** As by the kernel when memory is short. */
	async kill(): Promise<void> {
		process.kill(this.#server.pid, 'SIGKILL');
		await this.#server.ended;
	}

	/** Same folder, same address. Whatever is left of the earlier server is cleared away first. */
	async startAgain(): Promise<void> {
		await this.#server.stop();
		this.#server = await startEmbedded({ dataDir: join(this.#base, 'data') });
		this.#watch();
	}

	/** @param release undoes what `prepare` did. */
	async end(release?: (folder: string) => Promise<void>): Promise<void> {
		await this.log.close();
		await this.database.close();
		await this.#server.stop();
		await release?.(this.#base);
		await rm(this.#base, { recursive: true });
	}

	#watch(): void {
		this.#hasEnded = false;
		const server = this.#server;
		void server.ended.then(() => {
			if (server === this.#server) this.#hasEnded = true;
		});
	}
}

/** May mount file systems. */
export const isRoot: boolean = process.geteuid?.() === 0;
