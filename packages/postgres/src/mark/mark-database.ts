/**
 * A database for marks only, as a process opens it from its configuration: a small pool of its own, which makes its table at
 * first use. While it is down nothing is published; when it is back, publication continues.
 */

import { durabilityProblem, SETTINGS_COLUMNS, type ServerSettings } from '../durability.ts';
import { openDatabase } from '../pool.ts';
import type { Database, Sql } from '../sql.ts';
import { migrateMarks, openDatabaseMark } from './database-mark.ts';
import { type AdoptableMarkStore, MarkError, type MarkStore } from './mark.ts';

/** The schema of the marks' table. */
export const MARK_SCHEMA = 'marks';
/** A mark is one row: a process that waits longer for it should learn that the database is down. */
const TIMEOUT_MS = 5_000;

/**
 * The marks with these names, each the same in all processes of its log or service and in no other. Connects lazily; closing
 * the last mark closes the connections.
 * @param url of a database in another cluster than the marked one; no backup contains both.
 */
export function openMarkDatabase<Name extends string>(
	url: string,
	names: Readonly<Record<Name, string>>,
): Readonly<Record<Name, AdoptableMarkStore>> {
	const all = Object.keys(names) as Name[];
	const database = openDatabase({
		url,
		applicationName: 'chancery marks',
		maxConnections: 1 + all.length,
		statementTimeoutMs: TIMEOUT_MS,
		connectTimeoutMs: TIMEOUT_MS,
		admit: requireDurable,
	});
	let migrating: Promise<unknown> | undefined;
	const ready = async () => {
		migrating ??= migrateMarks(database, MARK_SCHEMA);
		try {
			await migrating;
		} catch (cause) {
			migrating = undefined;
			throw new MarkError('the database of the marks cannot be used', { cause });
		}
	};
	const open = new Set<Name>(all);
	const close = async (name: Name) => {
		if (open.delete(name) && open.size === 0) await database.close();
	};
	const marks = all.map((name) => [name, markOf(database, names[name], ready, () => close(name))] as const);
	return Object.fromEntries(marks) as Record<Name, AdoptableMarkStore>;
}

async function requireDurable(sql: Sql): Promise<void> {
	const [settings] = await sql.query<ServerSettings>(`select ${SETTINGS_COLUMNS}`);
	const problem = settings && durabilityProblem(settings);
	if (problem) throw new MarkError(problem);
}

function markOf(
	database: Database,
	name: string,
	ready: () => Promise<void>,
	close: () => Promise<void>,
): AdoptableMarkStore & Required<Pick<MarkStore, 'close'>> {
	const mark = openDatabaseMark({ database, schema: MARK_SCHEMA, name });
	const when =
		<Arguments extends unknown[], Result>(work: (...given: Arguments) => Promise<Result>) =>
		async (...given: Arguments): Promise<Result> => {
			await ready();
			return work(...given);
		};
	return {
		read: when(() => mark.read()),
		advance: when((next) => mark.advance(next)),
		clockMs: when(() => mark.clockMs!()),
		replace: when((next) => mark.replace(next)),
		probe: when(() => mark.probe!()),
		// Without the table being made first.
		inspect: () => mark.inspect(),
		close,
	};
}
