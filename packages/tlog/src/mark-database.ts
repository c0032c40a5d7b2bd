/**
 * A database for marks alone, as a process opens it from its configuration: a small pool of its own, whose table is made
 * at first use. While it is away the logs are read-only, and go on by themselves when it is back.
 */
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { migrateMarks, openDatabaseMark } from './database-mark.ts';
import { checkDurability } from './durability.ts';
import { type AdoptableMarkStore, MarkError, type MarkStore } from './mark.ts';

const SCHEMA = 'marks';
/** A mark is one row; who waits longer for it should hear that it is away. */
const TIMEOUT_MS = 5_000;

/**
 * The marks with these names, each the same in all processes of its log and in no other log. Connects lazily; the last mark that is closed closes the connections.
 * @param url of a database of another cluster than the log's, restored from no backup together with it.
 */
export function openMarkDatabase<Log extends string>(
	url: string,
	names: Readonly<Record<Log, string>>,
): Readonly<Record<Log, AdoptableMarkStore>> {
	const logs = Object.keys(names) as Log[];
	const database = openDatabase({
		url,
		applicationName: 'chancery marks',
		maxConnections: 1 + logs.length,
		statementTimeoutMs: TIMEOUT_MS,
		connectTimeoutMs: TIMEOUT_MS,
		admit: checkDurability,
	});
	let migrating: Promise<unknown> | undefined;
	const ready = async () => {
		migrating ??= migrateMarks(database, SCHEMA);
		try {
			await migrating;
		} catch (cause) {
			migrating = undefined;
			throw new MarkError('the database of the marks cannot be used', { cause });
		}
	};
	const open = new Set<Log>(logs);
	const close = async (log: Log) => {
		if (open.delete(log) && open.size === 0) await database.close();
	};
	const marks = logs.map((log) => [log, markOf(database, names[log], ready, () => close(log))] as const);
	return Object.fromEntries(marks) as Record<Log, AdoptableMarkStore>;
}

function markOf(
	database: Database,
	name: string,
	ready: () => Promise<void>,
	close: () => Promise<void>,
): AdoptableMarkStore & Required<Pick<MarkStore, 'close'>> {
	const mark = openDatabaseMark({ database, schema: SCHEMA, name });
	const when =
		<Arguments extends unknown[], Result>(work: (...given: Arguments) => Promise<Result>) =>
		async (...given: Arguments): Promise<Result> => {
			await ready();
			return work(...given);
		};
	return {
		read: when(() => mark.read()),
		advance: when((next) => mark.advance(next)),
		replace: when((next) => mark.replace(next)),
		close,
	};
}
