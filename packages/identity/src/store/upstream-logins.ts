/** Sign-ins between the redirect to an upstream provider and the return from it. */
import type { Sql } from '@chancery/postgres/sql';

export interface UpstreamLoginRow {
	/** SHA-256 of `state`, base64url. */
	readonly stateHash: string;
	/** SHA-256 of the id of the interaction, base64url: the id is a cookie too. */
	readonly interactionHash: string;
	readonly connectorId: string;
	/** SHA-256 of the browser's cookie, base64url. */
	readonly browserHash: string;
	readonly nonce: string;
	readonly codeVerifier: string;
}

/** What is needed to redeem the answer of the provider. */
export type ClaimedLogin = Pick<UpstreamLoginRow, 'connectorId' | 'nonce' | 'codeVerifier'>;

interface Row {
	connector_id: string;
	nonce: string;
	code_verifier: string;
}

export async function putUpstreamLogin(sql: Sql, login: UpstreamLoginRow, expiresAt: Date): Promise<void> {
	await sql.query(
		`insert into identity.upstream_logins
			(state_hash, interaction_hash, connector_id, browser_hash, nonce, code_verifier, expires_at)
		values ($1, $2, $3, $4, $5, $6, $7)`,
		[
			login.stateHash,
			login.interactionHash,
			login.connectorId,
			login.browserHash,
			login.nonce,
			login.codeVerifier,
			expiresAt,
		],
	);
}

/**
 * Claims a sign-in for the request that came back from the provider: of several with the same state, one gets it. Another
 * browser's cookie claims nothing, so that a link cannot use up a sign-in of somebody else.
 */
export async function claimUpstreamLogin(
	sql: Sql,
	{ stateHash, browserHash }: Pick<UpstreamLoginRow, 'stateHash' | 'browserHash'>,
	now: Date,
): Promise<ClaimedLogin | undefined> {
	const rows = await sql.query<Row>(
		`update identity.upstream_logins set claimed_at = $3
		where state_hash = $1 and browser_hash = $2 and claimed_at is null and expires_at > $3
		returning connector_id, nonce, code_verifier`,
		[stateHash, browserHash, now],
	);
	const row = rows[0];
	return row && { connectorId: row.connector_id, nonce: row.nonce, codeVerifier: row.code_verifier };
}

/** Writes who came back. */
export async function setUpstreamSubject(sql: Sql, stateHash: string, sub: string): Promise<void> {
	await sql.query('update identity.upstream_logins set sub = $2 where state_hash = $1', [stateHash, sub]);
}

/** Deletes a finished sign-in of this interaction and returns its subject; undefined when there is none, or it was taken. */
export async function takeUpstreamSubject(
	sql: Sql,
	{ stateHash, interactionHash }: Pick<UpstreamLoginRow, 'stateHash' | 'interactionHash'>,
	now: Date,
): Promise<string | undefined> {
	const rows = await sql.query<{ sub: string }>(
		`delete from identity.upstream_logins
		where state_hash = $1 and interaction_hash = $2 and sub is not null and expires_at > $3 returning sub`,
		[stateHash, interactionHash, now],
	);
	return rows[0]?.sub;
}
