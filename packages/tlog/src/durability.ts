/**
 * Whether the server keeps what it acknowledges. Read back, not assumed: a server started for speed answers COMMIT just
 * as politely, and one power cut later the log is older than what it has signed.
 */
import type { Sql } from '@chancery/postgres/sql';
import { TlogError } from './tlog-error.ts';

export interface ServerSettings {
	readonly fsync: string;
	readonly full_page_writes: string;
	readonly synchronous_commit: string;
	readonly transaction_read_only: string;
}

/** Columns of ServerSettings, for a statement that reads them beside something else. */
export const SETTINGS_COLUMNS = `current_setting('fsync') as fsync,
	current_setting('full_page_writes') as full_page_writes,
	current_setting('synchronous_commit') as synchronous_commit,
	current_setting('transaction_read_only') as transaction_read_only`;

/** `remote_apply` waits for more than `on`; all others may acknowledge what a crash or a failover then takes back. */
const SAFE_SYNCHRONOUS_COMMIT = new Set(['on', 'remote_apply']);

/**
 * Refuses a connection whose server cannot be trusted with a log. Fits `admit` of `openDatabase`; the engine reads the
 * same settings again in each batch, because they can change without a new connection.
 * @throws TlogError `read-only`.
 */
export async function checkDurability(sql: Sql): Promise<void> {
	const [settings] = await sql.query<ServerSettings>(`select ${SETTINGS_COLUMNS}`);
	if (settings) requireDurable(settings);
}

/** Throws TlogError `read-only`, naming every unsafe setting. */
export function requireDurable(settings: ServerSettings): void {
	if (settings.transaction_read_only !== 'off')
		throw new TlogError(
			'read-only',
			'the database server does not accept writes (a standby, or default_transaction_read_only)',
		);
	const unsafe: string[] = [];
	if (settings.fsync !== 'on') unsafe.push(`fsync is ${settings.fsync}, must be on`);
	if (settings.full_page_writes !== 'on') unsafe.push(`full_page_writes is ${settings.full_page_writes}, must be on`);
	if (!SAFE_SYNCHRONOUS_COMMIT.has(settings.synchronous_commit))
		unsafe.push(`synchronous_commit is ${settings.synchronous_commit}, must be on or remote_apply`);
	if (unsafe.length > 0)
		throw new TlogError('read-only', `the database server may lose what it acknowledged: ${unsafe.join('; ')}`);
}
