/**
 * The other end of the promise: what was acknowledged over HTTP is counted in the database.
 */
import type { Database } from '@chancery/postgres/sql';
import { VerificationFailed } from './measurement.ts';

/** Entries in both logs, the seed of the v1 log included. */
export async function countStored(database: Database): Promise<number> {
	const [row] = await database.query<{ entries: number }>('select count(*) as entries from log.tlog_entries');
	return row?.entries ?? 0;
}

/** @throws VerificationFailed unless the database holds `acknowledged` rows more than it held before */
export function requireStored(before: number, after: number, acknowledged: number): void {
	if (after - before !== acknowledged)
		throw new VerificationFailed(`${acknowledged} requests were acknowledged, and ${after - before} are stored`);
}
