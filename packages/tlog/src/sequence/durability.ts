/** Refuses a server that may lose what it acknowledged, in the log's own words. */
import { durabilityProblem, SETTINGS_COLUMNS, type ServerSettings } from '@chancery/postgres/durability';
import type { Sql } from '@chancery/postgres/sql';
import { TlogError } from '../tlog-error.ts';

/**
 * Refuses a connection whose server cannot be trusted with a log. Fits `admit` of `openDatabase`; the engine reads the
 * same settings again in each batch, because they can change without a new connection.
 * @throws {TlogError} `read-only`.
 */
export async function checkDurability(sql: Sql): Promise<void> {
	const [settings] = await sql.query<ServerSettings>(`select ${SETTINGS_COLUMNS}`);
	if (settings) requireDurable(settings);
}

/** @throws {TlogError} `read-only`, naming every unsafe setting. */
export function requireDurable(settings: ServerSettings): void {
	const problem = durabilityProblem(settings);
	if (problem) throw new TlogError('read-only', problem);
}
