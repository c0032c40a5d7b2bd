/** The database that a configuration file names, for commands that change it while no service, or every one, runs. */
import { ConfigError, parseSection } from '@chancery/chassis/config/config';
import { databaseSection } from '@chancery/chassis/config/process-config';
import { databaseFindings } from '@chancery/chassis/config/process-findings';
import { type InstanceSettings, refuseFindings } from '@chancery/chassis/config/production';
import { Secret } from '@chancery/chassis/config/secret';
import type { ServiceDefinition } from '@chancery/chassis/service-definition';
import { checkMigrations, MigrationError } from '@chancery/postgres/migrate';
import { isUnavailable, sqlState } from '@chancery/postgres/pg-errors';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { Refusal } from '../instance/refusal.ts';

export interface ConfiguredDatabase {
	readonly instance: InstanceSettings;
	/** The section `database` of the file. */
	readonly section: unknown;
	/** What `pg_stat_activity` shows. */
	readonly purpose: string;
}

/** Migrations of big tables take as long as they take; a lock is worth waiting for, but not for ever. */
const LOCK_TIMEOUT_MS = 60_000;
const MAX_CONNECTIONS = 2;

/**
 * Opens the database for `work`, and closes it behind it.
 * @throws {ConfigError} when the section is not valid, or production does not allow the connection; Refusal when the server
 * cannot be reached or refuses a statement; whatever `work` throws
 */
export async function withConfiguredDatabase<T>(
	{ instance, section, purpose }: ConfiguredDatabase,
	work: (database: Database) => Promise<T>,
): Promise<T> {
	const { url } = parseSection('database', databaseSection(), section);
	refuseFindings(instance, databaseFindings('database.url', url));
	const database = openDatabase({
		url: url instanceof Secret ? url.reveal() : url,
		applicationName: `chancery ${purpose}`,
		maxConnections: MAX_CONNECTIONS,
		statementTimeoutMs: 0,
		lockTimeoutMs: LOCK_TIMEOUT_MS,
	});
	try {
		return await work(database);
	} catch (error) {
		const { message, code } = error as NodeJS.ErrnoException;
		if (isUnavailable(error)) throw new Refusal(`the database cannot be reached: ${message || code}`, { cause: error });
		if (sqlState(error) !== undefined)
			throw new Refusal(`the database refused: ${message} (${code})`, { cause: error });
		throw error;
	} finally {
		await database.close();
	}
}

/**
 * For commands that work on what a service keeps.
 * @throws {ConfigError} naming the command, when migrations are missing; MigrationError
 */
export async function requireMigrations(
	database: Database,
	{ name, migrations }: Pick<ServiceDefinition, 'name' | 'migrations'>,
	configPath: string,
): Promise<void> {
	for (const source of migrations ?? [])
		try {
			await checkMigrations(database, source);
		} catch (error) {
			if (!(error instanceof MigrationError) || error.code !== 'missing') throw error;
			throw new ConfigError(`${error.message}: run 'chancery migrate ${name} --config ${configPath}'`);
		}
}
