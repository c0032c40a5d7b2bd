/**
 * Whether a server keeps what it acknowledges. The settings are read from the server: a server that is configured for
 * speed also acknowledges COMMIT, and after a power failure it has lost what clients were told.
 */
export interface ServerSettings {
	readonly fsync: string;
	readonly full_page_writes: string;
	readonly synchronous_commit: string;
	readonly transaction_read_only: string;
}

/** Columns of ServerSettings, for a statement that reads them together with other columns. */
export const SETTINGS_COLUMNS = `current_setting('fsync') as fsync,
	current_setting('full_page_writes') as full_page_writes,
	current_setting('synchronous_commit') as synchronous_commit,
	current_setting('transaction_read_only') as transaction_read_only`;

/** `remote_apply` waits for more than `on`. With any other value, a crash or failover may undo an acknowledged commit. */
const SAFE_SYNCHRONOUS_COMMIT = new Set(['on', 'remote_apply']);

/** Returns why such a server must not be written to, naming every unsafe setting; undefined for a safe one. */
export function durabilityProblem(settings: ServerSettings): string | undefined {
	if (settings.transaction_read_only !== 'off')
		return 'the database server does not accept writes (a standby, or default_transaction_read_only)';
	const unsafe: string[] = [];
	if (settings.fsync !== 'on') unsafe.push(`fsync is ${settings.fsync}, must be on`);
	if (settings.full_page_writes !== 'on') unsafe.push(`full_page_writes is ${settings.full_page_writes}, must be on`);
	if (!SAFE_SYNCHRONOUS_COMMIT.has(settings.synchronous_commit))
		unsafe.push(`synchronous_commit is ${settings.synchronous_commit}, must be on or remote_apply`);
	return unsafe.length === 0 ? undefined : `the database server may lose what it acknowledged: ${unsafe.join('; ')}`;
}
