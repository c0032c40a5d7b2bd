/**
 * The published head: what was signed and may be shown. Moves by compare-and-swap, only forward. Its time always grows and
 * is part of its key; lookups begin at the newest (heads.ts says why).
 */
import type { Database, Sql } from '@chancery/postgres/sql';
import type { Publication } from '../entry.ts';
import { type Head, headOf, lockHead } from './heads.ts';
import type { LogTables } from './log-tables.ts';

export interface LogState {
	readonly head: Head;
	readonly published: Publication | undefined;
	/** Which single-process mark store belongs to the log. */
	readonly markHolder: string | undefined;
	/**
	 * COMMIT waits for another server. Then what can be read may still be lost: a wait that was cancelled, or cut off by a
	 * restart, leaves a transaction that everyone sees and only this server has.
	 */
	readonly hasSynchronousStandby: boolean;
}

interface StateRow {
	size: number;
	root: Uint8Array;
	timestamp_ms: number;
	published_size: number | null;
	published_root: Uint8Array;
	published_timestamp_ms: number;
	note: Uint8Array;
	holder: string | null;
	standbys: string | null;
}

/** Both heads in one statement, hence from one moment. Undefined when the log does not exist. */
export async function readState(sql: Sql, tables: LogTables): Promise<LogState | undefined> {
	const { schema } = tables;
	const [row] = await sql.query<StateRow>(
		`select h.size, h.root, h.timestamp_ms,
			p.size as published_size, p.root as published_root, p.timestamp_ms as published_timestamp_ms, p.note,
			m.holder, current_setting('synchronous_standby_names', true) as standbys
		from (
			select size, root, timestamp_ms from ${schema}.tlog_heads where log_id = $1 order by size desc limit 1
		) h
		left join lateral (
			select size, root, timestamp_ms, note from ${schema}.tlog_published
			where log_id = $1 order by timestamp_ms desc limit 1
		) p on true
		left join ${schema}.tlog_mark_holders m on m.log_id = $1`,
		[tables.logId],
	);
	if (!row) return undefined;
	const published =
		row.published_size === null
			? undefined
			: {
					size: row.published_size,
					root: new Uint8Array(row.published_root),
					timestampMs: row.published_timestamp_ms,
					note: new Uint8Array(row.note),
				};
	return {
		head: headOf(row),
		published,
		markHolder: row.holder ?? undefined,
		hasSynchronousStandby: Boolean(row.standbys),
	};
}

/**
 * Resolves when everything that was committed before, and could be read, is as durable as the server is asked to make
 * it: a lock is a change like any other, so the COMMIT after it waits for the standby as well.
 */
export async function awaitStandby(database: Database, tables: LogTables): Promise<void> {
	const statement = `select 1 from ${tables.schema}.tlog_published
		where log_id = $1 order by timestamp_ms desc limit 1 for update`;
	await database.transaction((sql) => sql.query(statement, [tables.logId]));
}

/**
 * Compare-and-swap from the publication the caller saw (undefined: none yet) to `next`. Returns false when another one
 * stands there, or when the integrated head that was signed is not committed on this server. To be run in a transaction.
 */
export async function replacePublication(
	sql: Sql,
	tables: LogTables,
	seen: Publication | undefined,
	next: Publication,
): Promise<boolean> {
	const { schema, logId } = tables;
	// Between signing and here the connection may have come to lead to another server.
	const committed = `exists (select 1 from ${schema}.tlog_heads h
		where h.log_id = $1 and h.size >= $2 and (h.size > $2 or h.root = $3))`;
	const values = [logId, next.size, next.root, next.timestampMs, next.note];
	if (seen !== undefined) {
		const rows = await sql.query(
			`update ${schema}.tlog_published set size = $2::bigint, root = $3::bytea, timestamp_ms = $4, note = $5
			where log_id = $1 and size = $6 and timestamp_ms = $7 and ${committed}
			returning log_id`,
			[...values, seen.size, seen.timestampMs],
		);
		return rows.length === 1;
	}
	// The first one, once in the life of a log. No key keeps a second one out, so the lock of the head does.
	await lockHead(sql, tables);
	const rows = await sql.query(
		`insert into ${schema}.tlog_published (log_id, size, root, timestamp_ms, note)
		select $1, $2::bigint, $3::bytea, $4::bigint, $5::bytea
		where ${committed} and not exists (select 1 from ${schema}.tlog_published p where p.log_id = $1)
		returning log_id`,
		values,
	);
	return rows.length === 1;
}
