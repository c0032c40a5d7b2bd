/**
 * The other end of the promise: what was acknowledged over HTTP is counted in the database.
 */
import type { Database } from '@chancery/postgres/sql';
import { countStoredEntries } from '@chancery/tlog/audit/stored-rows';
import { VerificationFailed } from './measurement.ts';

/** Entries in both logs, the seed of the v1 log included. */
export function countStored(database: Database): Promise<number> {
	return countStoredEntries(database, 'log');
}

/** @throws {VerificationFailed} unless the database holds `acknowledged` rows more than it held before */
export function requireStored(before: number, after: number, acknowledged: number): void {
	if (after - before !== acknowledged)
		throw new VerificationFailed(`${acknowledged} requests were acknowledged, and ${after - before} are stored`);
}
