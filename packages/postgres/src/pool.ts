/**
 * The pool of connections to one PostgreSQL server. Everything that can hang has a timeout, and a transaction reports when the
 * answer to its COMMIT was lost, or came with a warning.
 *
 * Timeouts are start-up parameters of each connection, so no session state must be set or reset. A pooler between us and the
 * server must pass on `statement_timeout`, `lock_timeout` and `idle_in_transaction_session_timeout`.
 */
import pg from 'pg';
import {
	breaksConnection,
	CommitUnknownError,
	isCertainRollback,
	isReservation,
	TransactionAbortedError,
} from './pg-errors.ts';
import type { Database, PoolUse, Sql, SqlValue } from './sql.ts';

export interface DatabaseOptions {
	/** `postgres://` or `postgresql://` URL. May contain a password, which never appears in errors. */
	readonly url: string;
	/** Shown in the server's `pg_stat_activity`. */
	readonly applicationName: string;
	readonly maxConnections?: number;
	/** The server cancels a statement after this long; 0 means never. */
	readonly statementTimeoutMs?: number;
	/** A statement waits at most this long for a lock; 0 means for ever. */
	readonly lockTimeoutMs?: number;
	/** A transaction that idles longer loses its connection, and with it its locks; 0 means never. */
	readonly idleInTransactionTimeoutMs?: number;
	/** How long a caller waits for a connection, whether a new one or a free one. */
	readonly connectTimeoutMs?: number;
	/** See `Database`; only the process that started the server may say so. */
	readonly sharesClock?: boolean;
	/**
	 * Runs once on every new physical connection before its first use. When it throws, the connection is closed and the caller
	 * that waited for it gets that error.
	 */
	readonly admit?: (sql: Sql) => Promise<void>;
}

const DEFAULT_MAX_CONNECTIONS = 10;
const DEFAULT_STATEMENT_TIMEOUT_MS = 30_000;
const DEFAULT_LOCK_TIMEOUT_MS = 5_000;
/** How long others wait for the locks of a process that was stopped, or lost its network, in a transaction. */
const DEFAULT_IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000;
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_DELAY_MS = 10_000;

/** Long, because every check of `admit` is repeated for each new connection. */
const IDLE_CONNECTION_MS = 300_000;

/** The server's own timeout should come first; the client waits this much longer, then gives up. */
const GRACE_MS = 2_000;

const OID_INT8 = 20;
const OID_INT8_ARRAY = 1016;

/**
 * Opens a pool. Connects lazily: a wrong address shows at the first statement.
 * @throws {TypeError} when `url` is not a PostgreSQL URL.
 */
export function openDatabase(options: DatabaseOptions): Database {
	if (!/^postgres(ql)?:\/\//.test(options.url))
		throw new TypeError('the database URL must begin with postgres:// or postgresql://');
	const statementTimeoutMs = options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS;
	const inspections = new Set<Inspection>(options.admit ? [options.admit] : []);
	const config: pg.PoolConfig = {
		connectionString: options.url,
		application_name: options.applicationName,
		max: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
		connectionTimeoutMillis: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
		statement_timeout: statementTimeoutMs,
		lock_timeout: options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS,
		idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs ?? DEFAULT_IDLE_IN_TRANSACTION_TIMEOUT_MS,
		query_timeout: statementTimeoutMs === 0 ? 0 : statementTimeoutMs + GRACE_MS,
		idleTimeoutMillis: IDLE_CONNECTION_MS,
		// Statements that do not need each other's answers are sent at once (ConnectionSql).
		pipeline: true,
		keepAlive: true,
		keepAliveInitialDelayMillis: KEEPALIVE_DELAY_MS,
		types: { getTypeParser: typeParser },
		onConnect: async (client: pg.ClientBase) => {
			for (const inspect of inspections) await inspect(new ConnectionSql(client));
		},
	};
	return new PooledDatabase(new pg.Pool(config), inspections, options.sharesClock ?? false);
}

type Inspection = (sql: Sql) => Promise<void>;

class PooledDatabase implements Database {
	readonly #pool: pg.Pool;
	readonly #inspections: Set<Inspection>;
	readonly sharesClock: boolean;
	#closing: Promise<void> | undefined;
	#failures = 0;

	constructor(pool: pg.Pool, inspections: Set<Inspection>, sharesClock: boolean) {
		this.#pool = pool;
		this.#inspections = inspections;
		this.sharesClock = sharesClock;
		// A connection that dies while idle leaves the pool by itself. The next caller gets a new one, or the error.
		pool.on('error', ignoreIdleLoss);
	}

	async query<Row extends object>(text: string, values?: readonly SqlValue[]): Promise<Row[]> {
		return this.#withConnection((client) => run<Row>(client, text, values));
	}

	async transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
		return this.#withConnection((client) => transact(client, work));
	}

	inspectConnections(inspect: Inspection): () => void {
		// A new function for each call, so that the same one may be passed twice.
		const inspection: Inspection = (sql) => inspect(sql);
		this.#inspections.add(inspection);
		return () => this.#inspections.delete(inspection);
	}

	connections(): PoolUse {
		const { totalCount, idleCount: idle, waitingCount: waiting, options } = this.#pool;
		return { inUse: totalCount - idle, idle, waiting, max: options.max, failures: this.#failures };
	}

	async close(): Promise<void> {
		this.#closing ??= this.#pool.end();
		await this.#closing;
	}

	async #connect(): Promise<pg.PoolClient> {
		try {
			return await this.#pool.connect();
		} catch (error) {
			this.#failures++;
			throw error;
		}
	}

	async #withConnection<T>(use: (client: pg.PoolClient) => Promise<T>): Promise<T> {
		const client = await this.#connect();
		// A connection that dies between two statements emits an event; the next statement fails by itself.
		client.on('error', ignoreIdleLoss);
		let broken = true;
		try {
			const result = await use(client);
			broken = false;
			return result;
		} catch (error) {
			const isLost = breaksConnection(error);
			if (isLost) this.#failures++;
			broken = isLost || client.getTransactionStatus() !== 'I';
			throw error;
		} finally {
			client.removeListener('error', ignoreIdleLoss);
			client.release(broken);
		}
	}
}

/** BEGIN, the work, COMMIT; and what is known after each way in which they can fail. */
async function transact<T>(client: pg.PoolClient, work: (sql: Sql) => Promise<T>): Promise<T> {
	// Awaited alone: if BEGIN fails, a statement sent after it would be a transaction of its own.
	await client.query('begin isolation level read committed');
	const sql = new ConnectionSql(client);
	let result: T;
	try {
		result = await work(sql);
		await sql.end();
	} catch (error) {
		await sql.end();
		try {
			await client.query('rollback');
		} catch {
			// The connection is gone, and the transaction with it: nothing was committed. The pool drops the connection, because its
			// transaction status is not idle. The caller gets the error that caused the rollback.
		}
		throw error;
	}
	let answer: pg.QueryResult;
	let reservation: string | undefined;
	const onNotice = (notice: { readonly message: string | undefined }) => {
		if (isReservation(notice)) reservation = notice.message ?? '';
	};
	client.on('notice', onNotice);
	try {
		answer = await client.query('commit');
	} catch (error) {
		if (isCertainRollback(error)) throw error;
		throw new CommitUnknownError('the answer to COMMIT did not arrive: the transaction may or may not be stored', {
			cause: error,
		});
	} finally {
		client.removeListener('notice', onNotice);
	}
	// When an operator cancels the wait for a synchronous standby, the server answers COMMIT all the same, and a failover may
	// undo the transaction.
	if (reservation !== undefined)
		throw new CommitUnknownError(`the server answered COMMIT with a warning: ${reservation}`);
	if (answer.command !== 'COMMIT')
		throw new TransactionAbortedError(
			'the transaction had failed before its COMMIT and was rolled back: an error of one of its statements was swallowed',
		);
	return result;
}

/**
 * One connection as `Sql`. Statements are sent at once, and the server runs them one after the other: statements that do not
 * need each other's answers share a round trip. None runs after the end, when the connection may already have another user.
 */
class ConnectionSql implements Sql {
	readonly #client: pg.ClientBase;
	#ended = false;
	#last: Promise<unknown> = Promise.resolve();

	constructor(client: pg.ClientBase) {
		this.#client = client;
	}

	query<Row extends object>(text: string, values?: readonly SqlValue[]): Promise<Row[]> {
		if (this.#ended) return Promise.reject(new Error('this transaction has ended: its statements must be awaited'));
		const mine = run<Row>(this.#client, text, values);
		// After a failed statement, the ones behind it fail too; a caller that awaits all of them gets the first error.
		const settled = mine.catch(() => undefined);
		this.#last = this.#last.then(() => settled);
		return mine;
	}

	/** Refuses further statements and waits for the ones already sent. */
	async end(): Promise<void> {
		this.#ended = true;
		await this.#last;
	}
}

async function run<Row extends object>(
	client: pg.ClientBase,
	text: string,
	values: readonly SqlValue[] | undefined,
): Promise<Row[]> {
	const result: pg.QueryResult<Row> | pg.QueryResult<Row>[] = await client.query<Row>(text, values?.slice());
	// A text with several statements (only possible without values) returns one result for each.
	return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows;
}

/** Reads int8 as `number`; everything else as pg does. Our columns contain sizes and indexes, which are safe integers. */
function typeParser(oid: number, format?: 'text' | 'binary'): (value: never) => unknown {
	const usual = pg.types.getTypeParser(oid, format as 'text') as (value: unknown) => unknown;
	if (format === 'binary') return usual;
	if (oid === OID_INT8) return safeInteger;
	if (oid === OID_INT8_ARRAY) return (text: string) => safeIntegers(usual(text));
	return usual;
}

function safeIntegers(list: unknown): unknown {
	if (Array.isArray(list)) return list.map(safeIntegers);
	return typeof list === 'string' ? safeInteger(list) : list;
}

function safeInteger(text: string): number {
	const value = Number(text);
	if (!Number.isSafeInteger(value)) throw new RangeError(`int8 ${text} is beyond 2^53: select it as text`);
	return value;
}

function ignoreIdleLoss(): void {}
