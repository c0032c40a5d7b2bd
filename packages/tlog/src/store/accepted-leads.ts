/** The record of the times an operator let a log go on whose stored time is ahead of the present. */
import type { Sql } from '@chancery/postgres/sql';
import type { LogTables } from './log-tables.ts';

export interface AcceptedLead {
	/** First index whose time may be before that of the entry in front of it. */
	readonly size: number;
	/** When it was accepted, unix milliseconds: no entry from `size` on has a time before. */
	readonly resumedMs: number;
	/** The stored time that was ahead: when the clock gets there, the acceptance has done its work. */
	readonly headMs: number;
}

interface LeadRow {
	size: number;
	resumed_ms: number;
	head_ms: number;
}

export async function insertAcceptedLead(
	sql: Sql,
	tables: LogTables,
	{ size, resumedMs, headMs }: AcceptedLead,
	reason: string,
): Promise<void> {
	await sql.query(
		`insert into ${tables.schema}.tlog_accepted_leads (log_id, accepted_at, reason, size, resumed_ms, head_ms)
		values ($1, clock_timestamp(), $2, $3, $4, $5)`,
		[tables.logId, reason, size, resumedMs, headMs],
	);
}

/** The newest one that was accepted, and the time of the last entry that it has let in. */
export async function readAcceptedLead(
	sql: Sql,
	tables: LogTables,
	headSize: number,
): Promise<(AcceptedLead & { readonly lastEntryMs: number | undefined }) | undefined> {
	const { schema, logId } = tables;
	const [row] = await sql.query<LeadRow & { last_entry_ms: number | null }>(
		`select a.size, a.resumed_ms, a.head_ms, e.timestamp_ms as last_entry_ms
		from ${schema}.tlog_accepted_leads a
		left join ${schema}.tlog_entries e on e.log_id = a.log_id and e.index = $2 - 1 and e.index >= a.size
		where a.log_id = $1 order by a.size desc, a.accepted_at desc limit 1`,
		[logId, headSize],
	);
	return row && { ...leadOf(row), lastEntryMs: row.last_entry_ms ?? undefined };
}

/** The newest acceptances, at most `limit` of them. */
export async function listAcceptedLeads(sql: Sql, tables: LogTables, limit: number): Promise<AcceptedLead[]> {
	const rows = await sql.query<LeadRow>(
		`select size, resumed_ms, head_ms from ${tables.schema}.tlog_accepted_leads
		where log_id = $1 order by size desc, accepted_at desc limit $2`,
		[tables.logId, limit],
	);
	return rows.map(leadOf);
}

function leadOf(row: LeadRow): AcceptedLead {
	return { size: row.size, resumedMs: row.resumed_ms, headMs: row.head_ms };
}
