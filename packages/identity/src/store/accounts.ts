/** Who signed in a moment ago. A row lives as long as a token may still be requested with that sign-in. */
import type { Sql } from '@chancery/postgres/sql';

export interface AccountRow {
	/** Subject of the tokens. */
	readonly sub: string;
	readonly connectorId: string;
	readonly userId: string;
	readonly email: string;
	readonly emailVerified: boolean;
}

interface Row {
	sub: string;
	connector_id: string;
	user_id: string;
	email: string;
	email_verified: boolean;
}

/** Writes what the login method returned this time: a changed address replaces the old one. */
export async function putAccount(sql: Sql, account: AccountRow, expiresAt: Date): Promise<void> {
	await sql.query(
		`insert into identity.accounts (sub, connector_id, user_id, email, email_verified, expires_at)
		values ($1, $2, $3, $4, $5, $6)
		on conflict (sub) do update set connector_id = excluded.connector_id, user_id = excluded.user_id,
			email = excluded.email, email_verified = excluded.email_verified, expires_at = excluded.expires_at`,
		[account.sub, account.connectorId, account.userId, account.email, account.emailVerified, expiresAt],
	);
}

export async function findAccountBySub(sql: Sql, sub: string, now: Date): Promise<AccountRow | undefined> {
	const rows = await sql.query<Row>(
		`select sub, connector_id, user_id, email, email_verified from identity.accounts
		where sub = $1 and expires_at > $2`,
		[sub, now],
	);
	const row = rows[0];
	return (
		row && {
			sub: row.sub,
			connectorId: row.connector_id,
			userId: row.user_id,
			email: row.email,
			emailVerified: row.email_verified,
		}
	);
}
