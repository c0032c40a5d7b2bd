/** What the OpenID Connect provider stores between requests: interactions, codes, grants, sessions. All of it expires. */
import type { Sql } from '@chancery/postgres/sql';

/** Name and id together are the key; ids are unguessable and chosen by the provider. */
export interface ArtifactKey {
	readonly model: string;
	readonly id: string;
}

export interface Artifact extends ArtifactKey {
	/** JSON text. */
	readonly payload: string;
	readonly grantId: string | null;
	readonly userCode: string | null;
	readonly uid: string | null;
	readonly expiresAt: Date;
}

export interface StoredArtifact {
	readonly payload: string;
	readonly consumedAt: Date | null;
}

interface Row {
	payload: string;
	consumed_at: Date | null;
}

const COLUMNS = 'payload, consumed_at';

/** Inserts or replaces. A replaced artifact that was consumed stays consumed: a late approval must not revive a used code. */
export async function putArtifact(sql: Sql, artifact: Artifact): Promise<void> {
	await sql.query(
		`insert into identity.artifacts (model, id, payload, grant_id, user_code, uid, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (model, id) do update set payload = excluded.payload, grant_id = excluded.grant_id,
			user_code = excluded.user_code, uid = excluded.uid, expires_at = excluded.expires_at`,
		[
			artifact.model,
			artifact.id,
			artifact.payload,
			artifact.grantId,
			artifact.userCode,
			artifact.uid,
			artifact.expiresAt,
		],
	);
}

/** Inserts what must not be there yet. Returns false when another request was first; an expired row does not count. */
export async function insertArtifact(sql: Sql, artifact: Artifact, now: Date): Promise<boolean> {
	const rows = await sql.query<{ id: string }>(
		`insert into identity.artifacts (model, id, payload, expires_at) values ($1, $2, $3, $4)
		on conflict (model, id) do update set payload = excluded.payload, expires_at = excluded.expires_at
		where artifacts.expires_at <= $5 returning id`,
		[artifact.model, artifact.id, artifact.payload, artifact.expiresAt, now],
	);
	return rows.length === 1;
}

export async function findArtifact(sql: Sql, key: ArtifactKey, now: Date): Promise<StoredArtifact | undefined> {
	const rows = await sql.query<Row>(
		`select ${COLUMNS} from identity.artifacts where model = $1 and id = $2 and expires_at > $3`,
		[key.model, key.id, now],
	);
	return first(rows);
}

/** Two active devices with one code are very improbable; the newer one is returned. */
export async function findArtifactByUserCode(
	sql: Sql,
	key: { readonly model: string; readonly userCode: string },
	now: Date,
): Promise<StoredArtifact | undefined> {
	const rows = await sql.query<Row>(
		`select ${COLUMNS} from identity.artifacts where user_code = $2 and model = $1 and expires_at > $3
		order by expires_at desc limit 1`,
		[key.model, key.userCode, now],
	);
	return first(rows);
}

export async function findArtifactByUid(
	sql: Sql,
	key: { readonly model: string; readonly uid: string },
	now: Date,
): Promise<StoredArtifact | undefined> {
	const rows = await sql.query<Row>(
		`select ${COLUMNS} from identity.artifacts where uid = $2 and model = $1 and expires_at > $3
		order by expires_at desc limit 1`,
		[key.model, key.uid, now],
	);
	return first(rows);
}

/** Marks as consumed. Returns false when another request was first; the row's lock decides. */
export async function consumeArtifact(sql: Sql, key: ArtifactKey, now: Date): Promise<boolean> {
	const rows = await sql.query<{ id: string }>(
		`update identity.artifacts set consumed_at = $3
		where model = $1 and id = $2 and consumed_at is null and expires_at > $3 returning id`,
		[key.model, key.id, now],
	);
	return rows.length === 1;
}

export async function deleteArtifact(sql: Sql, key: ArtifactKey): Promise<void> {
	await sql.query('delete from identity.artifacts where model = $1 and id = $2', [key.model, key.id]);
}

export async function deleteArtifactsOfGrant(sql: Sql, key: { model: string; grantId: string }): Promise<void> {
	await sql.query('delete from identity.artifacts where grant_id = $2 and model = $1', [key.model, key.grantId]);
}

function first(rows: readonly Row[]): StoredArtifact | undefined {
	const row = rows[0];
	return row && { payload: row.payload, consumedAt: row.consumed_at };
}

/** Throws when the table cannot be read: no database, or not migrated. */
export async function probeArtifacts(sql: Sql): Promise<void> {
	await sql.query('select 1 from identity.artifacts limit 1');
}
