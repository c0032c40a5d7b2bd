/**
 * Compares the stored row of a log with its configuration. A process whose configuration names another key or origin
 * would continue somebody else's tree.
 */
import { equalBytes, toHex } from '@chancery/core/bytes';
import type { Sql } from '@chancery/postgres/sql';
import type { LogIdentity } from '../log-identity.ts';
import { TlogError } from '../tlog-error.ts';
import { readLogRow, type StoredLogRow } from './log-rows.ts';
import type { LogTables } from './log-tables.ts';

/**
 * Returns the stored row, once it is the configured log's.
 * @throws {TlogError} `identity-mismatch`, naming both values, when it is another log's or there is none
 */
export async function requireIdentity(sql: Sql, tables: LogTables, configured: LogIdentity): Promise<StoredLogRow> {
	const stored = await readLogRow(sql, tables);
	if (stored === undefined)
		throw new TlogError(
			'identity-mismatch',
			`the log ${configured.logId} has not been created in this database: run 'chancery log create --config FILE'`,
		);
	const differences = (['origin', 'treeId', 'wire', 'codec', 'mode'] as const)
		.filter((field) => stored[field] !== configured[field])
		.map((field) => `its ${field} is ${quote(stored[field])}, configured is ${quote(configured[field])}`);
	if (!equalBytes(stored.publicKey, configured.publicKey))
		differences.push(`its publicKey is ${toHex(stored.publicKey)}, configured is ${toHex(configured.publicKey)}`);
	if (differences.length > 0)
		throw new TlogError('identity-mismatch', `the log ${configured.logId} is another one: ${differences.join('; ')}`);
	return stored;
}

function quote(value: string | null): string {
	return value === null ? 'none' : `'${value}'`;
}
