/** Deletes proofs that nobody would take any more. Nothing is accepted for it or without it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, Job } from '@chancery/chassis/service';
import type { Sql } from '@chancery/postgres/sql';
import { forgetShownProofs } from '../store/shown-proofs.ts';

const INTERVAL_MS = 60_000;
/** Rows per statement: small enough to keep locks short. */
const BATCH = 1000;

/** A job that cleans once a minute. Several replicas may run it: each deletes what it finds. */
export function forgetProofs({ database, clock }: { readonly database: Sql; readonly clock: Clock }): Job {
	return {
		name: 'forget proofs',
		async run(signal) {
			while (!signal.aborted) {
				for (let gone = BATCH; gone === BATCH && !signal.aborted; )
					gone = await forgetShownProofs(database, new Date(clock()), BATCH);
				await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
			}
		},
	};
}
