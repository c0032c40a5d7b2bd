/** The certificates above logged ones. Insert-only. */
import type { Sql } from '@chancery/postgres/sql';

/** Adds a certificate (DER) under its SHA-256, unless it is there. */
export async function insertIssuer(sql: Sql, sha256: Uint8Array, certificate: Uint8Array): Promise<void> {
	await sql.query(`insert into ctlog.issuers (sha256, certificate) values ($1, $2) on conflict (sha256) do nothing`, [
		sha256,
		certificate,
	]);
}

/** The certificate with this SHA-256, or undefined. */
export async function findIssuer(sql: Sql, sha256: Uint8Array): Promise<Uint8Array | undefined> {
	const [row] = await sql.query<{ certificate: Uint8Array }>(
		`select certificate from ctlog.issuers where sha256 = $1`,
		[sha256],
	);
	return row?.certificate;
}

/** All of them: an authority has a handful. */
export async function readIssuers(sql: Sql): Promise<{ sha256: Uint8Array; certificate: Uint8Array }[]> {
	return sql.query(`select sha256, certificate from ctlog.issuers order by sha256`);
}
