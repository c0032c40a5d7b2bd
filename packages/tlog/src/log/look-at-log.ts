/**
 * Whether a log would open and grow, for somebody who only looks: the comparisons of a start, and no lock, claim or
 * signature. A log that goes on being written to meanwhile does not look wrong.
 */
import { rootAt } from '@chancery/core/proof';
import type { MarkInspection, MarkStore } from '@chancery/postgres/mark/mark';
import type { Sql } from '@chancery/postgres/sql';
import { DEFAULT_LIMITS } from '../limits.ts';
import type { LogIdentity } from '../log-identity.ts';
import { MarkCheck } from '../mark/mark-check.ts';
import { requireIdentity } from '../store/identity-check.ts';
import { logTables } from '../store/log-tables.ts';
import { type LogState, readState } from '../store/publications.ts';
import { nextTime } from '../time/head-time.ts';
import type { ComparedMs } from '../time/server-clock.ts';
import { TlogError } from '../tlog-error.ts';
import { hashReader } from '../tree/hash-reader.ts';

export interface LookedAtLog {
	readonly database: Sql;
	/** Schema with the engine's tables. */
	readonly schema: string;
	/** As the configuration and the key make it. */
	readonly identity: LogIdentity;
}

/**
 * The log in the database, once it is the configured one.
 * @throws {TlogError} `identity-mismatch`, naming both values
 */
export async function lookAtLog({ database, schema, identity }: LookedAtLog): Promise<LogState> {
	const tables = logTables(schema, identity.logId);
	await requireIdentity(database, tables, identity);
	return requireHead(await readState(database, tables), identity);
}

/**
 * Compares the stored tree with the mark as it was found.
 * @throws {TlogError} `read-only`, beginning with what kind of difference it is
 */
export async function lookAtMark(
	{ database, schema, identity }: LookedAtLog,
	{ mark, holder }: Pick<MarkInspection, 'mark' | 'holder'>,
): Promise<LogState> {
	const tables = logTables(schema, identity.logId);
	const place: MarkStore = {
		read: async () => mark,
		// Never called: only a mark that this process has written before can be ahead of the stored one.
		advance: () => Promise.reject(new Error('the mark is only looked at')),
		...(holder === undefined ? {} : { holder: async () => holder }),
	};
	return new MarkCheck(place, identity).compare(
		async () => requireHead(await readState(database, tables), identity),
		(head) => (size) => rootAt(size, hashReader({ sql: database, tables }, head.size)),
	);
}

/**
 * Whether the next entry could get a time. The clock has been compared with the database's before.
 * @throws {TlogError} `clock-lead` when the stored time is ahead of `nowMs`, and nobody has accepted that
 */
export async function lookAtTime({ database, schema, identity }: LookedAtLog, nowMs: number): Promise<void> {
	const tables = logTables(schema, identity.logId);
	const { head } = requireHead(await readState(database, tables), identity);
	await nextTime({ tables, limits: DEFAULT_LIMITS }, database, head, nowMs as ComparedMs);
}

function requireHead(state: LogState | undefined, { logId }: LogIdentity): LogState {
	if (!state) throw new TlogError('identity-mismatch', `the log ${logId} has a row and no head: restore the database`);
	return state;
}
