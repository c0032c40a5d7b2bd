/**
 * What a log is, for ever: written once into its row, compared at each start. A process whose configuration names
 * another key or origin would continue somebody else's tree.
 */
import { equalBytes, toHex } from '@chancery/core/bytes';
import type { Database, Sql } from '@chancery/postgres/sql';
import { insertHead } from './store/heads.ts';
import { insertLogRow, readLogRow } from './store/log-rows.ts';
import { type LogTables, logTables } from './store/log-tables.ts';
import { TlogError } from './tlog-error.ts';

export interface LogIdentity {
	/** Names the rows of the log in its schema: `rekor-v1`. */
	readonly logId: string;
	/** First line of its checkpoints. */
	readonly origin: string;
	/** Decimal, on the wires that have one. */
	readonly treeId: string | null;
	readonly wire: 'rekor-v1' | 'rekor-v2' | 'rfc6962';
	/** How entry bundles are written. */
	readonly codec: 'tlog-tiles' | 'static-ct';
	/** SubjectPublicKeyInfo, DER. */
	readonly publicKey: Uint8Array;
	readonly mode: 'development' | 'production';
}

/**
 * Writes the row of a new, empty log. Creating a log that is there already is harmless when it is the same one.
 * @throws TlogError `identity-mismatch` when a log of this name but with other values exists.
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

/** Throws TlogError `identity-mismatch`, naming both values, unless the stored log is the configured one. */
export async function requireIdentity(sql: Sql, tables: LogTables, configured: LogIdentity): Promise<void> {
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
}

/**
 * The sentence for a log that is not the configured one, has not been created, or is marked otherwise; undefined for
 * every other error. Only another configuration, or a command, ends it.
 */
export function explainIdentityError(error: unknown): string | undefined {
	return error instanceof TlogError && error.code === 'identity-mismatch' ? error.detail : undefined;
}

function quote(value: string | null): string {
	return value === null ? 'none' : `'${value}'`;
}
