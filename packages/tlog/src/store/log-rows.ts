/** The row that says what a log is. Inserted once, never changed. */
import type { SchemaName } from '@chancery/postgres/schema-name';
import type { Sql } from '@chancery/postgres/sql';
import type { LogIdentity } from '../log-identity.ts';
import type { LogTables } from './log-tables.ts';

interface LogRow {
	origin: string;
	tree_id: string | null;
	wire: string;
	codec: string;
	public_key: Uint8Array;
	mode: string;
	created_at: Date;
}

/** Returns false when a log of this id is there already. */
export async function insertLogRow(sql: Sql, tables: LogTables, identity: LogIdentity): Promise<boolean> {
	const rows = await sql.query(
		`insert into ${tables.schema}.tlog_logs (log_id, origin, tree_id, wire, codec, public_key, mode, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
		on conflict (log_id) do nothing
		returning log_id`,
		[tables.logId, identity.origin, identity.treeId, identity.wire, identity.codec, identity.publicKey, identity.mode],
	);
	return rows.length === 1;
}

export interface StoredLogRow {
	readonly origin: string;
	readonly treeId: string | null;
	readonly wire: string;
	readonly codec: string;
	readonly publicKey: Uint8Array;
	readonly mode: string;
	readonly createdAt: Date;
}

export async function readLogRow(sql: Sql, tables: LogTables): Promise<StoredLogRow | undefined> {
	const [row] = await sql.query<LogRow>(
		`select origin, tree_id, wire, codec, public_key, mode, created_at from ${tables.schema}.tlog_logs where log_id = $1`,
		[tables.logId],
	);
	return (
		row && {
			origin: row.origin,
			treeId: row.tree_id,
			wire: row.wire,
			codec: row.codec,
			publicKey: new Uint8Array(row.public_key),
			mode: row.mode,
			createdAt: row.created_at,
		}
	);
}

/** The logs of a schema that are marked as development. */
export async function readDevelopmentLogs(sql: Sql, schema: SchemaName): Promise<string[]> {
	const rows = await sql.query<{ log_id: string }>(
		`select log_id from ${schema}.tlog_logs where mode = 'development' order by log_id`,
	);
	return rows.map(({ log_id }) => log_id);
}
