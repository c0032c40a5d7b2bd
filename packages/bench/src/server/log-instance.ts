/**
 * Database, keys and configuration of the measured log: a supervised PostgreSQL, key files, file marks, and a configuration file as an
 * operator writes it.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileKey } from '@chancery/keys/file/file-key';
import type { Signer } from '@chancery/keys/signer';
import type { LogConfig } from '@chancery/log/config';
import { log } from '@chancery/log/definition';
import { migrateAll } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';
import { BenchDatabase } from './bench-database.ts';
import type { BackendChoice } from './digest-backend.ts';

export const HOSTNAME = 'log.bench.example';
export const V2_ORIGIN = 'log2.bench.example';
export const TREE_ID = '3904496407287907110';

export interface LogKeys {
	readonly v1: Signer;
	readonly v2: Signer;
}

export class LogInstance {
	readonly folder: string;
	readonly keys: LogKeys;
	readonly config: LogConfig;
	readonly #database: BenchDatabase;

	private constructor(folder: string, keys: LogKeys, database: BenchDatabase) {
		this.folder = folder;
		this.keys = keys;
		this.config = log.config().parse(sectionOf());
		this.#database = database;
	}

	/** Makes an empty log below `folder`, which must be empty. */
	static async create(folder: string): Promise<LogInstance> {
		// For root: the user the database runs as has to pass.
		await mkdir(folder, { recursive: true });
		await chmod(folder, 0o711);
		for (const name of ['keys', 'marks']) await mkdir(join(folder, name), { mode: 0o700 });
		const keys = {
			v1: await createFileKey(join(folder, 'keys', 'v1.pem'), 'ecdsa-sha2-256-nistp256'),
			v2: await createFileKey(join(folder, 'keys', 'v2.pem'), 'ed25519'),
		};
		const instance = new LogInstance(folder, keys, await BenchDatabase.create(join(folder, 'data')));
		const { database, config } = instance;
		await migrateAll(database, log.migrations);
		await log.createLogs?.({ database, config, profile: 'development', signers: keys });
		return instance;
	}

	get database(): Database {
		return this.#database.sql;
	}

	get databasePid(): number {
		return this.#database.pid;
	}

	get databaseUrl(): string {
		return this.#database.url;
	}

	/** Folder of the database's files. */
	get cluster(): string {
		return this.#database.cluster;
	}

	/** File of the mark of a log, with its newest checkpoint. */
	markFile(wire: 'v1' | 'v2'): string {
		return join(this.folder, 'marks', `${wire}.mark`);
	}

	databaseSettings(): Promise<Record<string, string>> {
		return this.#database.settings();
	}

	/** Stops the database, calls `whileDown` for work that needs a stopped server, then starts it again. */
	restartDatabase(whileDown?: () => Promise<void>): Promise<void> {
		return this.#database.restart(whileDown);
	}

	/** The section of a server process. */
	section(settings: {
		readonly backend: BackendChoice;
		readonly ports: Readonly<Record<'v1' | 'v2', number>>;
	}): Record<string, unknown> {
		const listen = (port: number) => ({ host: '127.0.0.1', port });
		const { v1, v2 } = settings.ports;
		return {
			...sectionOf(),
			digestBackend: settings.backend,
			markFiles: { v1: this.markFile('v1'), v2: this.markFile('v2') },
			listen: { v1: listen(v1), v2: listen(v2), admin: listen(0) },
			keys: {
				v1: { uri: `file:${join(this.folder, 'keys', 'v1.pem')}` },
				v2: { uri: `file:${join(this.folder, 'keys', 'v2.pem')}` },
			},
		};
	}

	/** What stands beside it. */
	sections(logLevel: string): Record<string, unknown> {
		return {
			profile: 'development',
			database: { url: this.#database.url },
			logging: { level: logLevel, json: true },
		};
	}

	close(): Promise<void> {
		return this.#database.close();
	}
}

/** The section `log`, for both the server and the process that fills the log. */
function sectionOf() {
	return {
		v1: { publicUrl: `https://${HOSTNAME}`, hostname: HOSTNAME, treeId: TREE_ID },
		v2: { publicUrl: `https://${V2_ORIGIN}`, origin: V2_ORIGIN },
		admin: {
			tokens: [
				{
					name: 'bench',
					role: 'operator' as const,
					sha256: createHash('sha256').update(randomBytes(16)).digest('hex'),
				},
			],
		},
	};
}
