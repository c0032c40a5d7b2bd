/**
 * `chancery log accept-lead`: the deliberate way on for a log whose stored time is ahead of the present, because a clock
 * was wrong. Nothing else may have the data folder open; services of a configuration file may run, and find it.
 */
import { type AcceptedLead, acceptLead as accept } from '@chancery/tlog/accept-lead';
import { type StoppedLogOrder, withStoppedLog } from './stopped-log.ts';

export interface LeadOrder extends Omit<StoppedLogOrder, 'purpose'> {
	/** The stored time as the operator read it; another one in the database is refused. */
	readonly time: Date;
	/** For the record in the database: who and why. */
	readonly reason: string;
}

/** @throws {Refusal}, {ConfigError}, TlogError `out-of-range`, `clock-skew` or `identity-mismatch` */
export function acceptLead({ time, reason, ...order }: LeadOrder): Promise<AcceptedLead> {
	return withStoppedLog({ ...order, purpose: 'log accept-lead' }, ({ database, schema, identity }) =>
		accept({ database, schema, identity, clock: Date.now, expectMs: time.getTime(), reason }),
	);
}
