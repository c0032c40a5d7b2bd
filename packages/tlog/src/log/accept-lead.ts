/**
 * `log accept-lead`: an operator lets a log go on whose stored time is ahead of the present, because a clock was wrong.
 *
 * What was signed with that time stays as it is. The times of tree heads go on from it, never back, and are ahead of the
 * truth until the present has caught up. Entries get the present time again, beginning with the next one; that their
 * times begin again there is on record in the database for whoever audits the log.
 */
import type { Database } from '@chancery/postgres/sql';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { LogIdentity } from '../log-identity.ts';
import { type AcceptedLead, insertAcceptedLead } from '../store/accepted-leads.ts';
import { lockHead } from '../store/heads.ts';
import { requireIdentity } from '../store/identity-check.ts';
import { logTables } from '../store/log-tables.ts';
import { comparedNow, iso, readServerClock } from '../time/server-clock.ts';
import { TlogError } from '../tlog-error.ts';

export type { AcceptedLead } from '../store/accepted-leads.ts';

/** The operator copied the time from a message, and the head may have been signed again since, a millisecond later each time. */
const SAME_TIME_MS = 60_000;

/**
 * Records that the lead is accepted. Replicas may be running: their next batch finds it.
 * `expectMs` is the stored time that the operator read and means.
 * @throws {TlogError} `identity-mismatch`; `clock-skew` when this process's clock cannot be believed; `out-of-range` when the
 * stored time is another one, or not ahead.
 */
export async function acceptLead(options: {
	database: Database;
	schema: string;
	identity: LogIdentity;
	/** Unix milliseconds. */
	clock: () => number;
	expectMs: number;
	/** For the record: who and why. */
	reason: string;
}): Promise<AcceptedLead> {
	const { database, identity, clock, expectMs, reason } = options;
	const tables = logTables(options.schema, identity.logId);
	const limits = DEFAULT_LIMITS;
	await requireIdentity(database, tables, identity);
	// One insert under the head lock. A crash leaves the record or nothing; without it the log goes on refusing.
	return database.transaction(async (sql) => {
		const [locked, server] = await Promise.all([lockHead(sql, tables), readServerClock(sql)]);
		if (!locked) throw new TlogError('identity-mismatch', `the log ${tables.logId} is not in this database`);
		const { size, timestampMs } = locked.head;
		const now = comparedNow({ database, clock, limits }, server);
		if (timestampMs - now <= limits.maxClockLeadMs)
			throw new TlogError(
				'out-of-range',
				`the log's last time is ${iso(timestampMs)}, it is ${iso(now)}: there is no lead to accept`,
			);
		if (Math.abs(timestampMs - expectMs) > SAME_TIME_MS)
			throw new TlogError('out-of-range', `the log's last time is ${iso(timestampMs)}, expected was ${iso(expectMs)}`);
		const lead: AcceptedLead = { size, resumedMs: now, headMs: timestampMs };
		await insertAcceptedLead(sql, tables, lead, reason);
		return lead;
	});
}
