/** The moment each log key went into service. Insert-only. */
import type { Sql } from '@chancery/postgres/sql';

/** Notes the start unless one is noted already, and answers the first one. */
export async function firstStart(sql: Sql, publicKey: Uint8Array, now: Date): Promise<Date> {
	await sql.query(
		`insert into ctlog.log_start (public_key, started_at) values ($1, $2) on conflict (public_key) do nothing`,
		[publicKey, now],
	);
	const [row] = await sql.query<{ started_at: Date }>(`select started_at from ctlog.log_start where public_key = $1`, [
		publicKey,
	]);
	if (!row) throw new Error('the start of the log was neither written nor found');
	return row.started_at;
}
