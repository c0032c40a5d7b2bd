/** Stores that the repository has a mark, and records every time an operator overruled it. */
import type { Sql } from '@chancery/postgres/sql';

/** The holder's name for a mark that several processes share. */
export const SHARED_HOLDER = '(shared)';

/** The name of the mark store of this repository; undefined before it first had one. */
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

export interface SeenRoot {
	readonly version: number;
	readonly sha256: Uint8Array;
}

/** What clients had seen when an adoption was decided; zero and undefined where that was unknown. */
export interface SeenAtAdoption {
	readonly root: SeenRoot | undefined;
	readonly targets: number;
	readonly snapshot: number;
	readonly timestamp: number;
}

export async function insertAdoption(
	sql: Sql,
	adoption: { readonly reason: string; readonly previous: Uint8Array | undefined; readonly seen: SeenAtAdoption },
): Promise<void> {
	const { reason, previous, seen } = adoption;
	await sql.query(
		`insert into tuf.adoption
			(adopted_at, reason, previous, seen_root, seen_root_sha256, seen_targets, seen_snapshot, seen_timestamp)
		values (clock_timestamp(), $1, $2, $3, $4, $5, $6, $7)`,
		[
			reason,
			previous ?? null,
			seen.root?.version ?? null,
			seen.root?.sha256 ?? null,
			seen.targets,
			seen.snapshot,
			seen.timestamp,
		],
	);
}

/** What clients have seen and this database has lost. */
export interface SeenVersions {
	/** SHA-256 by version, of roots that clients hold. */
	readonly roots: ReadonlyMap<number, Uint8Array>;
	readonly targets: number;
	readonly snapshot: number;
	readonly timestamp: number;
}

/** Over all adoptions: the largest version of each role, and every root; of two with one version, the later record counts. */
export async function seenVersions(sql: Sql): Promise<SeenVersions> {
	const [row] = await sql.query<Omit<SeenVersions, 'roots'>>(
		`select coalesce(max(seen_targets), 0) as targets, coalesce(max(seen_snapshot), 0) as snapshot,
			coalesce(max(seen_timestamp), 0) as timestamp
		from tuf.adoption`,
	);
	const roots = await sql.query<SeenRoot>(
		`select distinct on (seen_root) seen_root as version, seen_root_sha256 as sha256
		from tuf.adoption where seen_root is not null order by seen_root, adopted_at desc`,
	);
	return {
		targets: row?.targets ?? 0,
		snapshot: row?.snapshot ?? 0,
		timestamp: row?.timestamp ?? 0,
		roots: new Map(roots.map(({ version, sha256 }) => [version, sha256])),
	};
}
