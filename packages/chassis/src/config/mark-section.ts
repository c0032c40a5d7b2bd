/**
 * Where a process of its own keeps its mark: a file for one process, a row of another database for several. Exactly one
 * of the two is required: without a mark a restored backup looks like the truth.
 */

import { openFileMark } from '@chancery/postgres/mark/file-mark';
import type { AdoptableMarkStore } from '@chancery/postgres/mark/mark';
import { openMarkDatabase } from '@chancery/postgres/mark/mark-database';
import { z } from 'zod';
import { ConfigError } from './config.ts';
import { postgresUrl } from './process-config.ts';
import { type Environment, Secret } from './secret.ts';

/** The two fields, to be spread into the section of a service. `remembered` says what the mark holds, for the operator. */
export function markFields(remembered: string, env?: Environment) {
	return {
		markFile: z
			.string()
			.min(1)
			.optional()
			.describe(
				`File that remembers ${remembered}. For one process on one host. Keep it outside of every database, data folder and backup: it is what shows that something was set back.`,
			),
		markDatabase: postgresUrl(env)
			.optional()
			.describe(
				`postgres:// URL, or { file } or { env } where it is, of the database that remembers ${remembered}, for several processes. Of another cluster than the service's own, and never restored together with it. One of markFile and markDatabase is required.`,
			),
	};
}

export interface MarkChoice {
	readonly markFile?: string | undefined;
	readonly markDatabase?: string | Secret | undefined;
}

/**
 * Opens the mark of a service; `name` tells it from others in one database.
 * @throws {ConfigError} unless exactly one place is configured
 */
export function openConfiguredMark(
	service: string,
	{ markFile, markDatabase }: MarkChoice,
	name: string,
): AdoptableMarkStore {
	if (markFile !== undefined && !markDatabase) return openFileMark(markFile);
	if (!markDatabase || markFile !== undefined)
		throw new ConfigError(`${service}: one of markFile and markDatabase is required`);
	const url = markDatabase instanceof Secret ? markDatabase.reveal() : markDatabase;
	return openMarkDatabase(url, { mark: name }).mark;
}
