/** Published metadata: one row per role and version, never changed. */
import type { Sql } from '@chancery/postgres/sql';

export interface MetadataRow {
	readonly version: number;
	readonly content: Uint8Array;
	readonly expiresAt: Date;
	readonly publishedAt: Date;
}

/**
 * Throws a unique violation (23505) when the version exists: of two publishers at the same time, one loses its whole transaction
 * and nothing of it is visible.
 */
export async function insertMetadata(sql: Sql, role: string, row: MetadataRow): Promise<void> {
	await sql.query(
		`insert into tuf.metadata (role, version, content, expires_at, published_at)
		values ($1, $2, $3, $4, $5)`,
		[role, row.version, row.content, row.expiresAt, row.publishedAt],
	);
}

export async function latestMetadata(sql: Sql, role: string): Promise<MetadataRow | undefined> {
	const [row] = await sql.query<MetadataRow>(
		`select version, content, expires_at as "expiresAt", published_at as "publishedAt"
		from tuf.metadata where role = $1 order by version desc limit 1`,
		[role],
	);
	return row;
}

export async function metadataContent(sql: Sql, role: string, version: number): Promise<Uint8Array | undefined> {
	const [row] = await sql.query<{ content: Uint8Array }>(
		'select content from tuf.metadata where role = $1 and version = $2',
		[role, version],
	);
	return row?.content;
}

export interface PublishedFile {
	readonly role: string;
	readonly version: number;
	readonly sha256: Uint8Array;
}

/** The newest file of each role, all from one moment. */
export function newestFiles(sql: Sql): Promise<readonly PublishedFile[]> {
	return sql.query<PublishedFile>(
		'select distinct on (role) role, version, sha256(content) as sha256 from tuf.metadata order by role, version desc',
	);
}

export async function metadataHash(sql: Sql, role: string, version: number): Promise<Uint8Array | undefined> {
	const [row] = await sql.query<{ sha256: Uint8Array }>(
		'select sha256(content) as sha256 from tuf.metadata where role = $1 and version = $2',
		[role, version],
	);
	return row?.sha256;
}
