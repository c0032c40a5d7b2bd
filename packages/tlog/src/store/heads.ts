/**
 * The integrated head: one narrow row per log, whose lock orders all writers. Its size is part of its key and every lookup
 * begins at the largest one, so that versions which an open snapshot keeps alive are never walked through.
 */
import { EMPTY_ROOT, type Hash } from '@chancery/core/merkle';
import { SETTINGS_COLUMNS, type ServerSettings } from '@chancery/postgres/durability';
import type { Sql } from '@chancery/postgres/sql';
import type { LogTables } from './log-tables.ts';

export interface Head {
	readonly size: number;
	readonly root: Hash;
	/** Time of the newest entry, or of the newest heartbeat; later than both while a lead is accepted (head-time.ts). */
	readonly timestampMs: number;
}

declare const compared: unique symbol;

/**
 * A time that a head may get: unix milliseconds, compared with the database's clock and with the stored time. Only
 * `nextTime` (head-time.ts) makes one, so that no statement here can move a head to a time that nobody looked at.
 */
export type HeadTimeMs = number & { readonly [compared]: true };

interface HeadRow {
	size: number;
	root: Uint8Array;
	timestamp_ms: number;
}

export async function insertHead(sql: Sql, tables: LogTables): Promise<void> {
	await sql.query(`insert into ${tables.schema}.tlog_heads (log_id, size, root, timestamp_ms) values ($1, 0, $2, 0)`, [
		tables.logId,
		EMPTY_ROOT,
	]);
}

/**
 * Takes the head lock. A statement of its own: under READ COMMITTED a statement sees what was committed before it began,
 * so anything read in this one would be from before the wait. What it returns of the head row itself is re-read after
 * the wait, as PostgreSQL does for the rows it locks.
 */
export async function lockHead(
	sql: Sql,
	tables: LogTables,
): Promise<{ head: Head; settings: ServerSettings } | undefined> {
	const [row] = await sql.query<HeadRow & ServerSettings>(
		`select size, root, timestamp_ms, ${SETTINGS_COLUMNS}
		from ${tables.schema}.tlog_heads where log_id = $1 order by size desc limit 1 for update`,
		[tables.logId],
	);
	return row && { head: headOf(row), settings: row };
}

export async function readHead(sql: Sql, tables: LogTables): Promise<Head | undefined> {
	const [row] = await sql.query<HeadRow>(
		`select size, root, timestamp_ms from ${tables.schema}.tlog_heads where log_id = $1 order by size desc limit 1`,
		[tables.logId],
	);
	return row && headOf(row);
}

/** Compare-and-swap on (size, root). Returns false when the head is not where the caller saw it. */
export async function moveHead(
	sql: Sql,
	tables: LogTables,
	from: Head,
	to: Omit<Head, 'timestampMs'> & { readonly timestampMs: HeadTimeMs },
): Promise<boolean> {
	const rows = await sql.query(
		`update ${tables.schema}.tlog_heads set size = $4, root = $5, timestamp_ms = $6
		where log_id = $1 and size = $2 and root = $3
		returning log_id`,
		[tables.logId, from.size, from.root, to.size, to.root, to.timestampMs],
	);
	return rows.length === 1;
}

/**
 * Gives the head the time of a heartbeat, never an earlier one, under its lock.
 * Returns undefined when the head has moved on: then there is something new to publish instead.
 */
export async function touchHead(
	sql: Sql,
	tables: LogTables,
	head: Head,
	timeMs: HeadTimeMs,
): Promise<number | undefined> {
	const [row] = await sql.query<{ timestamp_ms: number }>(
		`update ${tables.schema}.tlog_heads set timestamp_ms = greatest(timestamp_ms, $4)
		where log_id = $1 and size = $2 and root = $3
		returning timestamp_ms`,
		[tables.logId, head.size, head.root, timeMs],
	);
	return row?.timestamp_ms;
}

export function headOf(row: HeadRow): Head {
	return { size: row.size, root: new Uint8Array(row.root), timestampMs: row.timestamp_ms };
}
