/** Deletes expired rows. Correctness does not depend on it: expired rows are never read. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Job } from '@chancery/chassis/service';
import type { Sql } from '@chancery/postgres/sql';
import { deleteExpiredAccounts } from '../store/accounts.ts';
import { deleteExpiredArtifacts } from '../store/artifacts.ts';
import { deleteExpiredAuditEvents } from '../store/audit-events.ts';
import { deleteExpiredExchangedTokens } from '../store/exchanged-tokens.ts';
import { deleteExpiredUpstreamLogins } from '../store/upstream-logins.ts';
import { deleteExpiredGuesses } from '../store/wrong-guesses.ts';

const INTERVAL_MS = 60_000;
/** Rows per statement: small enough to keep locks short. */
const BATCH = 1000;

const EXPIRING = [
	deleteExpiredArtifacts,
	deleteExpiredAccounts,
	deleteExpiredUpstreamLogins,
	deleteExpiredExchangedTokens,
	deleteExpiredGuesses,
	deleteExpiredAuditEvents,
];

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
	for (const deleteSome of EXPIRING) {
		for (let deleted = BATCH; deleted === BATCH && !signal?.aborted; total += deleted)
			deleted = await deleteSome(deps.database, new Date(deps.clock()), BATCH);
	}
	return total;
}
