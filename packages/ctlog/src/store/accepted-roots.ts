/** The table of accepted roots, what happened to them since, and the reports that were acted on. Insert-only. */
import type { Sql } from '@chancery/postgres/sql';

export interface AcceptedRootRow {
	/** SHA-256 of the DER. */
	readonly sha256: Uint8Array;
	/** DER. */
	readonly certificate: Uint8Array;
	/** JSON of the trust report that brought it. */
	readonly report: string;
	readonly registeredBy: string;
	readonly registeredAt: Date;
}

export interface RootChange {
	readonly change: 'retired' | 'reinstated';
	readonly changedAt: Date;
	readonly changedBy: string;
	readonly reason: string;
}

/** A root as it stands now: accepted, unless the newest change says that it is retired. */
export interface RootRow {
	readonly sha256: Uint8Array;
	/** DER. */
	readonly certificate: Uint8Array;
	readonly registeredAt: Date;
	readonly registeredBy: string;
	readonly lastChange: RootChange | undefined;
}

/** Adds a root; false when it was there already, in which case nothing changes. */
export async function insertAcceptedRoot(sql: Sql, row: AcceptedRootRow): Promise<boolean> {
	const inserted = await sql.query<{ sha256: Uint8Array }>(
		`insert into ctlog.accepted_roots (sha256, certificate, report, registered_by, registered_at)
		 values ($1, $2, $3, $4, $5)
		 on conflict (sha256) do nothing
		 returning sha256`,
		[row.sha256, row.certificate, row.report, row.registeredBy, row.registeredAt],
	);
	return inserted.length > 0;
}

interface ListedRow {
	readonly sha256: Uint8Array;
	readonly certificate: Uint8Array;
	readonly registered_at: Date;
	readonly registered_by: string;
	readonly change: 'retired' | 'reinstated' | null;
	readonly changed_at: Date | null;
	readonly changed_by: string | null;
	readonly reason: string | null;
}

/** All roots with the newest change of each, oldest first. */
export async function listRoots(sql: Sql): Promise<RootRow[]> {
	const rows = await sql.query<ListedRow>(
		`select r.sha256, r.certificate, r.registered_at, r.registered_by, c.change, c.changed_at, c.changed_by, c.reason
		 from ctlog.accepted_roots r
		 left join lateral (
			 select change, changed_at, changed_by, reason from ctlog.root_changes
			 where root_sha256 = r.sha256 order by number desc limit 1
		 ) c on true
		 order by r.registered_at, r.sha256`,
	);
	return rows.map((row) => ({
		sha256: row.sha256,
		certificate: row.certificate,
		registeredAt: row.registered_at,
		registeredBy: row.registered_by,
		lastChange: row.change
			? { change: row.change, changedAt: row.changed_at!, changedBy: row.changed_by!, reason: row.reason! }
			: undefined,
	}));
}

/**
 * Holds off every other change of one root until the transaction ends, and returns its newest change; false when there is
 * no such root. The row is locked by a statement of its own, so that the next one sees what was committed meanwhile.
 */
export async function lockRoot(sql: Sql, sha256: Uint8Array): Promise<{ lastChange: RootChange | undefined } | false> {
	const locked = await sql.query(`select sha256 from ctlog.accepted_roots where sha256 = $1 for update`, [sha256]);
	if (locked.length === 0) return false;
	const [row] = await sql.query<{ change: RootChange['change']; changed_at: Date; changed_by: string; reason: string }>(
		`select change, changed_at, changed_by, reason from ctlog.root_changes
		 where root_sha256 = $1 order by number desc limit 1`,
		[sha256],
	);
	if (!row) return { lastChange: undefined };
	const { change, changed_at: changedAt, changed_by: changedBy, reason } = row;
	return { lastChange: { change, changedAt, changedBy, reason } };
}

/** Notes a change of a root, under `lockRoot`. `report` is JSON, for a reinstatement. */
export async function insertRootChange(
	sql: Sql,
	sha256: Uint8Array,
	change: RootChange & { readonly report?: string },
): Promise<void> {
	await sql.query(
		`insert into ctlog.root_changes (root_sha256, number, change, changed_at, changed_by, reason, report)
		 select $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6 from ctlog.root_changes where root_sha256 = $1`,
		[sha256, change.change, change.changedAt, change.changedBy, change.reason, change.report ?? null],
	);
}

/** Notes that a report is acted on; false when it was before. `sha256` is over its payload. */
export async function takeReport(sql: Sql, sha256: Uint8Array, issuedAt: Date, now: Date): Promise<boolean> {
	const taken = await sql.query<{ sha256: Uint8Array }>(
		`insert into ctlog.taken_reports (sha256, issued_at, taken_at) values ($1, $2, $3)
		 on conflict (sha256) do nothing returning sha256`,
		[sha256, issuedAt, now],
	);
	return taken.length > 0;
}
