/** Deletes expired rows. Correctness does not depend on it: expired rows are never read. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Job } from '@chancery/chassis/service';
import type { Sql } from '@chancery/postgres/sql';
import { deleteExpired, EXPIRING_TABLES } from '../store/expired-rows.ts';

const INTERVAL_MS = 60_000;
/** Rows per statement: small enough to keep locks short. */
const BATCH = 1000;

interface CleanDeps {
	readonly database: Sql;
	readonly clock: Clock;
}

/** A job that cleans once a minute. Several replicas may run it: each deletes what it finds. */
export function cleanExpiredJob(deps: CleanDeps, intervalMs: number = INTERVAL_MS): Job {
	return {
		name: 'clean-expired',
		async run(signal) {
			while (!signal.aborted) {
				await cleanExpired(deps, signal);
				await sleep(intervalMs, undefined, { signal }).catch((error: unknown) => {
					if (!signal.aborted) throw error;
				});
			}
		},
	};
}

/** Deletes every row that has expired by now, in batches. Returns the number of deleted rows. */
export async function cleanExpired(deps: CleanDeps, signal?: AbortSignal): Promise<number> {
	let total = 0;
	for (const table of EXPIRING_TABLES) {
		for (let deleted = BATCH; deleted === BATCH && !signal?.aborted; total += deleted)
			deleted = await deleteExpired(deps.database, table, new Date(deps.clock()), BATCH);
	}
	return total;
}
