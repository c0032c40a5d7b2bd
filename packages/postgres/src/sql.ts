/**
 * The only abstraction over the database: an object that runs a statement. Store functions take `Sql` first, so the same
 * function runs on the pool and inside a transaction.
 */

/** Values that `pg` can bind. Hashes are `Buffer` or `Uint8Array` (bytea), 64-bit integers are `bigint` or decimal text. */
export type SqlValue = string | number | bigint | boolean | null | Uint8Array | Date | readonly SqlValue[];

export interface Sql {
	/**
	 * Runs one statement with positional parameters (`$1`, ...). Rows come back with bytea as Buffer, int8 as `number`
	 * (an int8 beyond 2^53 throws: select such a column as text), timestamptz as Date. Throws pg's `DatabaseError` with its SQLSTATE in `code`.
	 */
	query<Row extends object>(text: string, values?: readonly SqlValue[]): Promise<Row[]>;
}

/** Connections of a pool. */
export interface PoolUse {
	readonly inUse: number;
	readonly idle: number;
	/** Who waits for a connection. */
	readonly waiting: number;
	/** How many there may be. */
	readonly max: number;
	/** Since the start: connections that were not to be had in time, or broke while they were used. */
	readonly failures: number;
}

export interface Database extends Sql {
	/**
	 * Runs `work` in one READ COMMITTED transaction on one connection. Rolls back when `work` throws. Statements that are
	 * asked for without waiting are sent at once and run in that order, each of which sees what was committed before it
	 * began; after one that fails, those behind it fail too (SQLSTATE 25P02).
	 * Never retries: the caller knows whether its work may run twice.
	 * @throws {CommitUnknownError} when COMMIT was sent and no answer came, or one with a warning: the transaction may or
	 * may not be durable.
	 */
	transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
	/**
	 * Calls `inspect` for every connection that is made from now on, before its first use: it may lead to another server than the
	 * one before. When `inspect` throws, the connection is closed and the caller that waited for it gets that error. Returns a
	 * function that ends this. Absent when the connections are not made by this pool.
	 */
	inspectConnections?(inspect: (sql: Sql) => Promise<void>): () => void;
	/** How the pool is used now, and has been. Absent where connections are not ours to see. */
	connections?(): PoolUse;
	/**
	 * True when the server runs on this machine and was started by us: its clock is ours. A comparison of the two would only find
	 * the time that a test, or faketime, shows to one of them. Absent or false: the server has a clock of its own.
	 */
	readonly sharesClock?: boolean;
	/** Waits for running statements and closes all connections. */
	close(): Promise<void>;
}
