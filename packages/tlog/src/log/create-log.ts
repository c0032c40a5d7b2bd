/**
 * `log create`: the row of a new log, and its empty head. Nothing else makes a log.
 */
import type { Database } from '@chancery/postgres/sql';
import type { LogIdentity } from '../log-identity.ts';
import { insertHead } from '../store/heads.ts';
import { requireIdentity } from '../store/identity-check.ts';
import { insertLogRow } from '../store/log-rows.ts';
import { logTables } from '../store/log-tables.ts';

/**
 * Writes the row of a new, empty log. Creating a log that is there already is harmless when it is the same one.
 * @throws {TlogError} `identity-mismatch` when a log of this name but with other values exists.
 */
export async function createLog(
	database: Database,
	schema: string,
	identity: LogIdentity,
): Promise<'created' | 'exists'> {
	const tables = logTables(schema, identity.logId);
	// Row and head in one transaction: a crash between them would leave a log that can neither be opened nor created.
	const created = await database.transaction(async (sql) => {
		if (!(await insertLogRow(sql, tables, identity))) return false;
		await insertHead(sql, tables);
		return true;
	});
	if (created) return 'created';
	await requireIdentity(database, tables, identity);
	return 'exists';
}
