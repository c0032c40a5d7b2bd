/**
 * Which time the next entries and the next tree head get. Neither goes back, with one exception that somebody has to ask
 * for: when the stored time is ahead of the present (a clock was wrong), an operator may accept the lead
 * (accept-lead.ts). Then new entries get the present time again, and the tree head stays where it is until the present
 * has caught up.
 */
import type { Sql } from '@chancery/postgres/sql';
import type { LogLimits } from '../limits.ts';
import { type AcceptedLead, readAcceptedLead } from '../store/accepted-leads.ts';
import type { Head, HeadTimeMs } from '../store/heads.ts';
import type { LogTables } from '../store/log-tables.ts';
import { TlogError } from '../tlog-error.ts';
import { type ComparedMs, iso } from './server-clock.ts';

export interface HeadTime {
	/** For new entries. */
	readonly entryMs: number;
	/** For the head: never before the one that is stored. */
	readonly headMs: HeadTimeMs;
	/** The lead that an operator has accepted, as long as it lasts. */
	readonly lead: AcceptedLead | undefined;
}

/**
 * `now` has been compared with the database's clock; the head is locked.
 * @throws {TlogError} `clock-lead` when the stored time is too far ahead and nobody has accepted that.
 */
export async function nextTime(
	context: { readonly tables: LogTables; readonly limits: LogLimits },
	sql: Sql,
	head: Pick<Head, 'size' | 'timestampMs'>,
	now: ComparedMs,
): Promise<HeadTime> {
	const stored = head.timestampMs;
	const leadMs = stored - now;
	const { maxClockLeadMs } = context.limits;
	if (leadMs <= maxClockLeadMs) {
		const timestampMs = Math.max(now, stored);
		return { entryMs: timestampMs, headMs: timestampMs as HeadTimeMs, lead: undefined };
	}
	const lead = await readAcceptedLead(sql, context.tables, head.size);
	// It was accepted once, for this lead: one that has grown, or one of later, is another incident.
	if (lead && now <= lead.headMs && leadMs <= lead.headMs - lead.resumedMs + maxClockLeadMs)
		return { entryMs: Math.max(now, lead.resumedMs, lead.lastEntryMs ?? 0), headMs: stored as HeadTimeMs, lead };
	throw new TlogError(
		'clock-lead',
		`the log's last time is ${leadMs} ms ahead of this machine's clock (${iso(stored)}, it is ${iso(now)})`,
		{ retryAfterSeconds: Math.ceil(leadMs / 1000) },
	);
}
