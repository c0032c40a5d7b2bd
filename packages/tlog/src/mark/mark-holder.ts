/**
 * One log, one file mark. A store that only one host can see has a name, and the database remembers it: a replica with a
 * file of its own would compare with a mark that never hears of what the others publish.
 */

import { MarkError, MarkInUseError, type MarkStore, preventsStart } from '@chancery/postgres/mark/mark';
import type { Sql } from '@chancery/postgres/sql';
import type { LogTables } from '../store/log-tables.ts';
import { claimMark, reassignMark } from '../store/mark-holders.ts';
import type { LogState } from '../store/publications.ts';
import { TlogError } from '../tlog-error.ts';

/**
 * Claims the log for the mark store of this process.
 * @throws {TlogError} `identity-mismatch` when the log belongs to another mark, `unavailable` when another host or a command
 * has ours; {MarkPlaceError} when its place can keep no mark.
 */
export async function claimHolder(sql: Sql, tables: LogTables, store: MarkStore, state: LogState): Promise<void> {
	let holder: string | undefined;
	let isNew: boolean;
	try {
		isNew = (await store.read()) === undefined;
		holder = await store.holder?.();
	} catch (cause) {
		if (cause instanceof MarkInUseError) throw new TlogError('unavailable', cause.message, { cause });
		if (preventsStart(cause)) throw cause;
		// A mark that cannot be made out makes the log read-only; the comparison says so.
		if (cause instanceof MarkError) return;
		throw cause;
	}
	if (holder === undefined) return;
	const claimed = await claimMark(sql, tables, holder);
	if (claimed === holder) return;
	// An empty log has promised nothing: its first mark was lost before it meant anything.
	if (state.head.size === 0) await reassignMark(sql, tables, holder);
	else if (!isNew)
		throw new TlogError(
			'identity-mismatch',
			`the log ${tables.logId} belongs to the mark ${claimed}, configured is ${holder}: more than one replica needs a mark that they share`,
		);
}
