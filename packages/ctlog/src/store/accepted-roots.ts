/** The table of accepted roots. Insert-only. */
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

/** Adds a root; answers false when it was there already, in which case nothing changes. */
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

/** DER of all accepted roots, oldest first. */
export async function listAcceptedRoots(sql: Sql): Promise<Uint8Array[]> {
	const rows = await sql.query<{ certificate: Uint8Array }>(
		`select certificate from ctlog.accepted_roots order by registered_at, sha256`,
	);
	return rows.map((row) => row.certificate);
}
