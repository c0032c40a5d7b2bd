/** The database of a measured server: a supervised PostgreSQL, configured as by `chancery up`. */
import { type EmbeddedPostgres, startEmbedded } from '@chancery/postgres/embedded/embedded';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';

const NAME = 'bench';

/** Settings of the server that decide how durable and how fast a commit is. */
const SHOWN = ['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size'];

export class BenchDatabase {
	readonly #dataDir: string;
	#server: EmbeddedPostgres;
	#sql: Database;

	private constructor(dataDir: string, server: EmbeddedPostgres) {
		this.#dataDir = dataDir;
		this.#server = server;
		this.#sql = openSql(server);
	}

	/** Makes an empty one in the folder `dataDir`. */
	static async create(dataDir: string): Promise<BenchDatabase> {
		const server = await startEmbedded({ dataDir });
		await server.createDatabase(NAME);
		return new BenchDatabase(dataDir, server);
	}

	get sql(): Database {
		return this.#sql;
	}

	/** Of the server's main process. */
	get pid(): number {
		return this.#server.pid;
	}

	get url(): string {
		return this.#server.url(NAME);
	}

	/** For clients that do not read URLs: the folder of its socket, and who may connect there. */
	get socket(): { readonly folder: string; readonly port: number; readonly user: string; readonly database: string } {
		const { searchParams } = new URL(this.url);
		const user = searchParams.get('user') ?? '';
		return { folder: this.#server.runtimeDir, port: Number(searchParams.get('port')), user, database: NAME };
	}

	/** Folder of its files. */
	get cluster(): string {
		return this.#server.cluster;
	}

	/** As the server itself states them. */
	async settings(): Promise<Record<string, string>> {
		const rows = await this.#sql.query<{ name: string; setting: string }>(
			'select name, current_setting(name) as setting from pg_settings where name = any($1::text[])',
			[SHOWN],
		);
		return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
	}

	/** Stops it, calls `whileDown` for work that needs a stopped server, then starts it again. */
	async restart(whileDown: () => Promise<void> = async () => undefined): Promise<void> {
		await this.close();
		await whileDown();
		this.#server = await startEmbedded({ dataDir: this.#dataDir });
		this.#sql = openSql(this.#server);
	}

	async close(): Promise<void> {
		await this.#sql.close();
		await this.#server.stop();
	}
}

function openSql(server: EmbeddedPostgres): Database {
	return openDatabase({
		url: server.url(NAME),
		applicationName: 'chancery bench',
		maxConnections: 2,
		// Counting millions of rows takes its time.
		statementTimeoutMs: 0,
	});
}
