/** That the repository has a mark, and the record of the times an operator overruled it. */
import type { Sql } from '@chancery/postgres/sql';

/** Stands for a mark that several processes share. */
export const SHARED_HOLDER = '(shared)';

/** The name of the mark store that this repository belongs to; undefined before it first had one. */
export async function markHolder(sql: Sql): Promise<string | undefined> {
	const [row] = await sql.query<{ holder: string }>('select holder from tuf.tuf_mark_holder');
	return row?.holder;
}

/** Writes the holder when there is none. */
export async function claimMarkHolder(sql: Sql, holder: string): Promise<void> {
	await sql.query('insert into tuf.tuf_mark_holder (holder) values ($1) on conflict (only_row) do nothing', [holder]);
}

export async function replaceMarkHolder(sql: Sql, holder: string): Promise<void> {
	await sql.query(
		`insert into tuf.tuf_mark_holder (holder) values ($1)
		on conflict (only_row) do update set holder = excluded.holder`,
		[holder],
	);
}

/** Versions that clients have seen of what this database has lost. */
export interface SeenVersions {
	readonly targets: number;
	readonly snapshot: number;
	readonly timestamp: number;
}

export async function insertAdoption(
	sql: Sql,
	adoption: { readonly reason: string; readonly previous: Uint8Array | undefined; readonly seen: SeenVersions },
): Promise<void> {
	const { reason, previous, seen } = adoption;
	await sql.query(
		`insert into tuf.adoption (adopted_at, reason, previous, seen_targets, seen_snapshot, seen_timestamp)
		values (clock_timestamp(), $1, $2, $3, $4, $5)`,
		[reason, previous ?? null, seen.targets, seen.snapshot, seen.timestamp],
	);
}

/** The largest of each over all adoptions; zeros when there was none. */
export async function seenVersions(sql: Sql): Promise<SeenVersions> {
	const [row] = await sql.query<SeenVersions>(
		`select coalesce(max(seen_targets), 0) as targets, coalesce(max(seen_snapshot), 0) as snapshot,
			coalesce(max(seen_timestamp), 0) as timestamp
		from tuf.adoption`,
	);
	return row ?? { targets: 0, snapshot: 0, timestamp: 0 };
}
