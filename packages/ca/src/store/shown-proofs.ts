/**
 * The proofs of possession that came with tokens which are bound to a key. In the database and not in memory, because a
 * proof that one replica has taken must be refused by all.
 */
import type { Sql } from '@chancery/postgres/sql';

export interface ShownProofs {
	/**
	 * Remembers a proof by its 32 bytes. False when it was there already: of several requests with one proof, at whichever
	 * replicas, exactly one gets true.
	 */
	use(id: Uint8Array, forgetAt: Date): Promise<boolean>;
}

export function openShownProofs(sql: Sql): ShownProofs {
	return {
		async use(id, forgetAt) {
			// The unique index decides; whoever loses waits until the other has committed.
			const rows = await sql.query<{ id: Uint8Array }>(
				'insert into ca.shown_proof (id, forget_at) values ($1, $2) on conflict (id) do nothing returning id',
				[id, forgetAt],
			);
			return rows.length === 1;
		},
	};
}

/** Deletes at most `limit` proofs that are too old to be taken, and returns how many there were. */
export async function forgetShownProofs(sql: Sql, now: Date, limit: number): Promise<number> {
	const rows = await sql.query(
		`delete from ca.shown_proof where id in (
			select id from ca.shown_proof where forget_at < $1 order by forget_at limit $2 for update skip locked
		) returning id`,
		[now, limit],
	);
	return rows.length;
}
