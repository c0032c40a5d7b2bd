/**
 * `chancery log accept-lead`: the deliberate way on for a log whose stored time is ahead of the present, because a clock
 * was wrong. Nothing else may have the instance open.
 */
import { type AcceptedLead, acceptLead as accept } from '@chancery/tlog/accept-lead';
import { openStoppedLog } from './stopped-log.ts';

export interface LeadOrder {
	readonly data: string;
	readonly log: string;
	/** The stored time as the operator read it; another one in the database is refused. */
	readonly time: Date;
	/** For the record in the database: who and why. */
	readonly reason: string;
	readonly say: (line: string) => void;
}

/** @throws {Refusal}, TlogError `out-of-range`, `clock-skew` or `identity-mismatch` */
export async function acceptLead({ time, reason, ...order }: LeadOrder): Promise<AcceptedLead> {
	await using cleanup = new AsyncDisposableStack();
	const { database, schema, identity } = await openStoppedLog(order, cleanup);
	return await accept({ database, schema, identity, clock: Date.now, expectMs: time.getTime(), reason });
}
