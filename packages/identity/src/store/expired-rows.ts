/** Deletes rows whose time is over. Every table of the schema but the mark of its origin has such rows. */
import type { Sql } from '@chancery/postgres/sql';

export interface ExpiringTable {
	readonly name: string;
	/** Columns of its primary key. */
	readonly key: readonly string[];
}

export const EXPIRING_TABLES: readonly ExpiringTable[] = [
	{ name: 'artifacts', key: ['model', 'id'] },
	{ name: 'accounts', key: ['sub'] },
	{ name: 'upstream_logins', key: ['state_hash'] },
	{ name: 'exchanged_tokens', key: ['issuer', 'token_hash'] },
	{ name: 'wrong_guesses', key: ['counter', 'window_start'] },
	{ name: 'audit_events', key: ['id'] },
];

/** Deletes at most `limit` expired rows and returns how many there were; fewer than `limit` means no more. */
export async function deleteExpired(sql: Sql, { name, key }: ExpiringTable, now: Date, limit: number): Promise<number> {
	const columns = key.join(', ');
	const rows = await sql.query(
		`delete from identity.${name} where (${columns}) in (
			select ${columns} from identity.${name} where expires_at <= $1 order by expires_at limit $2
		) and expires_at <= $1 returning 1`,
		[now, limit],
	);
	return rows.length;
}
