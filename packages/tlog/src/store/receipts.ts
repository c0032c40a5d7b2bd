/** SETs and SCTs: written in the transaction that publishes their entries, never changed. */
import type { Sql } from '@chancery/postgres/sql';
import type { LogTables } from './log-tables.ts';
import { packBytes } from './packed-rows.ts';

/** Stores the receipts of the consecutive entries from `firstIndex`. */
export async function insertReceipts(
	sql: Sql,
	tables: LogTables,
	firstIndex: number,
	receipts: readonly Uint8Array[],
): Promise<void> {
	const packed = packBytes(receipts);
	await sql.query(
		`insert into ${tables.schema}.tlog_receipts (log_id, index, receipt)
		select $1, $2::bigint + n - 1, substr($3::bytea, start, length)
		from unnest($4::int[], $5::int[]) with ordinality as r(start, length, n)`,
		[tables.logId, firstIndex, packed.bytes, packed.starts, packed.lengths],
	);
}
