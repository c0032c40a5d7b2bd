/** Subject tokens that were exchanged, until nobody would accept them any more. */
import type { Sql } from '@chancery/postgres/sql';
import { type AuditEventRow, PUT_AUDIT_EVENT, valuesOfEvent } from './audit-events.ts';

export interface ExchangedTokenRow {
	/** Issuer URL of the subject token. */
	readonly issuer: string;
	/** SHA-256 of its signed part, base64url. */
	readonly tokenHash: string;
	readonly expiresAt: Date;
}

/**
 * Writes that a token was exchanged, and the event of that exchange; false, and no event, when the token was exchanged before.
 * Of many at once, with any number of replicas, one is first. One statement is one commit, which is what an exchange waits for.
 */
export async function markExchanged(
	sql: Sql,
	row: ExchangedTokenRow,
	event: AuditEventRow,
	eventExpiresAt: Date,
): Promise<boolean> {
	const rows = await sql.query<{ id: string }>(
		`with first as (
			insert into identity.exchanged_tokens (issuer, token_hash, expires_at) values ($13, $14, $15)
			on conflict (issuer, token_hash) do nothing returning token_hash
		) ${PUT_AUDIT_EVENT} from first returning id`,
		[...valuesOfEvent(event, eventExpiresAt), row.issuer, row.tokenHash, row.expiresAt],
	);
	return rows.length === 1;
}
