/** The profile in which this schema was first used: one row, written once. */
import type { Profile } from '@chancery/chassis/config/production';
import type { Sql } from '@chancery/postgres/sql';

/** Writes the profile unless one is there. Safe with several processes at once: the first one counts. */
export async function recordOrigin(sql: Sql, profile: Profile): Promise<void> {
	await sql.query('insert into identity.origin (profile) values ($1) on conflict (only_row) do nothing', [profile]);
}

/** Undefined: no process has used the schema that records it. */
export async function findOrigin(sql: Sql): Promise<Profile | undefined> {
	const rows = await sql.query<{ profile: Profile }>('select profile from identity.origin');
	return rows[0]?.profile;
}

/** Whether tokens may still be requested for anyone who signed in, by the clock of the database. */
export async function hasLiveAccounts(sql: Sql): Promise<boolean> {
	const rows = await sql.query<{ found: boolean }>(
		'select exists (select from identity.accounts where expires_at > now()) as found',
	);
	return rows[0]?.found ?? false;
}
