/**
 * Both heads as the database has them now, and whether they may be believed: the tree is really there, and contains the
 * mark.
 */
import { equalBytes, toHex } from '@chancery/core/bytes';
import { rootAt } from '@chancery/core/proof';
import type { Database } from '@chancery/postgres/sql';
import type { MarkCheck } from '../mark/mark-check.ts';
import type { LogTables } from '../store/log-tables.ts';
import { type LogState, readState } from '../store/publications.ts';
import { TlogError } from '../tlog-error.ts';
import type { HashCache } from '../tree/hash-cache.ts';
import { hashReader } from '../tree/hash-reader.ts';
import type { TreeEdge } from '../tree/tree-edge.ts';

export interface StateContext {
	readonly database: Database;
	readonly tables: LogTables;
	readonly mark: MarkCheck;
	readonly cache: HashCache;
	/** The committed tree as the sequencer of this process left it. */
	readonly edge: () => TreeEdge | undefined;
}

/** Both heads, compared with nothing. @throws {TlogError} `identity-mismatch` when the log is not there */
export async function requireState({ database, tables }: Pick<StateContext, 'database' | 'tables'>): Promise<LogState> {
	const state = await readState(database, tables);
	if (!state) throw new TlogError('identity-mismatch', `the log ${tables.logId} is not in this database`);
	return state;
}

/** Both heads. @throws {TlogError} `read-only` unless the head is a tree that is really there and contains the mark */
export async function readCheckedState(context: StateContext): Promise<LogState> {
	const { database: sql, tables, mark, cache, edge } = context;
	// The head that this process itself committed needs no second look; any other one is recomputed from what is stored.
	const isOurs = (head: LogState['head']) => edge()?.isAt(head) === true;
	const readerOf = (head: LogState['head']) =>
		hashReader(isOurs(head) ? { sql, tables, cache } : { sql, tables }, head.size);
	const state = await mark.compare(
		async () => requireHeadsInOrder(await requireState(context)),
		(head) => (size) => rootAt(size, readerOf(head)),
	);
	const { head } = state;
	if (isOurs(head)) return state;
	const root = await rootAt(head.size, readerOf(head));
	if (!equalBytes(root, head.root))
		throw new TlogError(
			'read-only',
			`the stored tree is damaged: its hashes make root ${toHex(root)} at size ${head.size}, the head says ${toHex(head.root)}`,
		);
	return state;
}

/** Nothing is published that is not integrated. */
function requireHeadsInOrder(state: LogState): LogState {
	const { head, published } = state;
	if (!published || published.size <= head.size) return state;
	throw new TlogError(
		'read-only',
		`the stored tree is damaged: ${head.size} entries are integrated, ${published.size} published`,
	);
}
