/**
 * Database, keys and configuration of the log that is measured: a supervised PostgreSQL, key files, file marks, and a
 * configuration file such as an operator writes.
 */
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFileKey } from '@chancery/keys/file-key';
import type { Signer } from '@chancery/keys/signer';
import { configSchema, type LogConfig } from '@chancery/log/config';
import { createLogs } from '@chancery/log/domain/create-logs';
import { migrateSchema } from '@chancery/log/store/migrations';
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import type { BackendChoice } from './digest-backend.ts';

export const HOSTNAME = 'log.bench.example';
export const V2_ORIGIN = 'log2.bench.example';
export const TREE_ID = '3904496407287907110';
const DATABASE = 'bench';

/** Settings of the server that decide how durable and how fast a commit is. */
const SHOWN = ['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size'];

export interface LogKeys {
	readonly v1: Signer;
	readonly v2: Signer;
}

export class LogInstance {
	readonly folder: string;
	readonly keys: LogKeys;
	readonly config: LogConfig;
	#server: EmbeddedPostgres;
	#database: Database;

	private constructor(folder: string, keys: LogKeys, server: EmbeddedPostgres) {
		this.folder = folder;
		this.keys = keys;
		this.config = configSchema.parse(sectionOf());
		this.#server = server;
		this.#database = openBenchDatabase(server);
	}

	/** Makes an empty log below `folder`, which must be empty. */
	static async create(folder: string): Promise<LogInstance> {
		// For root: the user the database runs as has to pass.
		await mkdir(folder, { recursive: true });
		await chmod(folder, 0o711);
		for (const room of ['keys', 'marks']) await mkdir(join(folder, room), { mode: 0o700 });
		const keys = {
			v1: await createFileKey(join(folder, 'keys', 'v1.pem'), 'ecdsa-sha2-256-nistp256'),
			v2: await createFileKey(join(folder, 'keys', 'v2.pem'), 'ed25519'),
		};
		const server = await startEmbedded({ dataDir: join(folder, 'data') });
		await server.createDatabase(DATABASE);
		const instance = new LogInstance(folder, keys, server);
		await migrateSchema(instance.database);
		await createLogs({ database: instance.database, config: instance.config, v1Signer: keys.v1, v2Signer: keys.v2 });
		return instance;
	}

	get database(): Database {
		return this.#database;
	}

	get databasePid(): number {
		return this.#server.pid;
	}

	get databaseUrl(): string {
		return this.#server.url(DATABASE);
	}

	/** Folder of the database's files. */
	get cluster(): string {
		return this.#server.cluster;
	}

	/** File that remembers the newest checkpoint of a log. */
	markFile(wire: 'v1' | 'v2'): string {
		return join(this.folder, 'marks', `${wire}.mark`);
	}

	/** As the database server itself states them. */
	async databaseSettings(): Promise<Record<string, string>> {
		const rows = await this.#database.query<{ name: string; setting: string; unit: string | null }>(
			'select name, current_setting(name) as setting from pg_settings where name = any($1::text[])',
			[SHOWN],
		);
		return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
	}

	/** Stops the database; `whileDown` may do what cannot be done to a running one; then it is started again. */
	async restartDatabase(whileDown: () => Promise<void> = async () => undefined): Promise<void> {
		await this.#database.close();
		await this.#server.stop();
		await whileDown();
		this.#server = await startEmbedded({ dataDir: join(this.folder, 'data') });
		this.#database = openBenchDatabase(this.#server);
	}

	/** Writes the configuration of a server process and answers its path. */
	async writeConfig(settings: {
		readonly logLevel: string;
		readonly backend: BackendChoice;
		readonly ports: Readonly<Record<'v1' | 'v2', number>>;
	}): Promise<string> {
		const path = join(this.folder, 'log.yaml');
		const listen = (port: number) => ({ host: '127.0.0.1', port });
		const { v1, v2 } = settings.ports;
		const sections = {
			log: {
				...sectionOf(),
				digestBackend: settings.backend,
				markFiles: { v1: this.markFile('v1'), v2: this.markFile('v2') },
				listen: { v1: listen(v1), v2: listen(v2), admin: listen(0) },
				keys: {
					v1: { uri: `file:${join(this.folder, 'keys', 'v1.pem')}` },
					v2: { uri: `file:${join(this.folder, 'keys', 'v2.pem')}` },
				},
			},
			database: { url: this.databaseUrl },
			logging: { level: settings.logLevel, json: true },
		};
		// JSON is YAML.
		await writeFile(path, JSON.stringify(sections, undefined, '\t'), { mode: 0o600 });
		return path;
	}

	async close(): Promise<void> {
		await this.#database.close();
		await this.#server.stop();
	}
}

function openBenchDatabase(server: EmbeddedPostgres): Database {
	return openDatabase({
		url: server.url(DATABASE),
		applicationName: 'chancery bench',
		maxConnections: 2,
		// Counting millions of rows takes its time.
		statementTimeoutMs: 0,
	});
}

/** The section `log` as both the server and the filling of the log have it. */
function sectionOf() {
	return {
		profile: 'production' as const,
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
