/**
 * `chancery log adopt-head`: the deliberate way on for a log that is read-only because its mark is missing, or says
 * something else than the database. Nothing else may have the instance open.
 */
import { type Adoption, adoptHead as adopt } from '@chancery/tlog/adopt-head';
import { type StoppedLogOrder, withStoppedLog } from './stopped-log.ts';

export interface AdoptionOrder extends Omit<StoppedLogOrder, 'purpose'> {
	/** Size of the published head as the operator read it; another one in the database is refused. */
	readonly size: number;
	/** For the record in the database: who and why. */
	readonly reason: string;
}

/** @throws {Refusal}, {ConfigError}, MarkInUseError, TlogError `out-of-range` or `identity-mismatch` */
export function adoptHead({ size, reason, ...order }: AdoptionOrder): Promise<Adoption> {
	return withStoppedLog({ ...order, purpose: 'log adopt-head' }, (log) => adopt({ ...log, expect: size, reason }));
}
