/** `chancery migrate`: brings the schemas of services to what this version needs. */
import { ConfigError, loadConfig } from '@chancery/chassis/config/config';
import type { StoringService } from '@chancery/chassis/service-definition';
import { migrateAll, type PendingMigrations, pendingMigrations } from '@chancery/postgres/migrate';
import { migrationScript } from '@chancery/postgres/migration-script';
import type { Database } from '@chancery/postgres/sql';
import { STORING_SERVICES } from '../services.ts';
import { withConfiguredDatabase } from './configured-database.ts';

export interface MigratedService {
	readonly service: string;
	/** File names, in order; empty when everything was there. */
	readonly applied: readonly string[];
}

/**
 * Migrates the named services, or all that the file has a section for; `onMigrated` hears of each. Safe to repeat, and
 * with several at once: of those who come together one applies a migration, and the others wait for it. A crash leaves
 * whole migrations, and the next run goes on behind the last one.
 * @throws {ConfigError}, MigrationError; Refusal when the database is away or refuses
 */
export async function migrateServices(
	configPath: string,
	named: readonly string[],
	onMigrated: (migrated: MigratedService) => void,
): Promise<void> {
	const { instance, sections } = await loadConfig(configPath);
	const services = chooseServices(named, sections);
	await withConfiguredDatabase({ instance, section: sections.database, purpose: 'migrate' }, async (database) => {
		for (const { name, migrations } of services) {
			const reports = await migrateAll(database, migrations);
			onMigrated({ service: name, applied: reports.flatMap(({ applied }) => applied) });
		}
	});
}

export interface UnmigratedService {
	readonly service: string;
	/** Names of migrations, in order; empty when nothing is missing. */
	readonly missing: readonly string[];
}

/**
 * What `migrateServices` would apply. Changes nothing.
 * @throws as `migrateServices`
 */
export async function findMissingMigrations(
	configPath: string,
	named: readonly string[],
): Promise<UnmigratedService[]> {
	return withPending(configPath, named, 'migrate --check', async (services) =>
		services.map(({ service, pending }) => ({
			service,
			missing: pending.flatMap(({ missing }) => missing.map(({ name }) => name)),
		})),
	);
}

/**
 * The SQL that `migrateServices` would run, as a script for psql. Changes nothing.
 * @throws as `migrateServices`
 */
export async function writeMigrationScript(configPath: string, named: readonly string[]): Promise<string> {
	return withPending(configPath, named, 'migrate --sql', async (services, database) => {
		// Services share components in one schema only within themselves, so nothing comes twice.
		const pending = services.flatMap((service) => service.pending);
		return migrationScript(database, pending);
	});
}

interface PendingService {
	readonly service: string;
	readonly pending: readonly PendingMigrations[];
}

async function withPending<T>(
	configPath: string,
	named: readonly string[],
	purpose: string,
	work: (services: readonly PendingService[], database: Database) => Promise<T>,
): Promise<T> {
	const { instance, sections } = await loadConfig(configPath);
	const services = chooseServices(named, sections);
	return withConfiguredDatabase({ instance, section: sections.database, purpose }, async (database) => {
		const found: PendingService[] = [];
		for (const { name, migrations } of services) {
			const pending: PendingMigrations[] = [];
			for (const source of migrations) pending.push(await pendingMigrations(database, source));
			found.push({ service: name, pending });
		}
		return work(found, database);
	});
}

/**
 * Those of the named services, or of all, that the file has a section for.
 * @throws {ConfigError} for a name that is none of them, or that has no section
 */
function chooseServices(named: readonly string[], sections: Readonly<Record<string, unknown>>): StoringService[] {
	const known = STORING_SERVICES.map(({ name }) => name);
	for (const name of named) {
		if (!known.includes(name))
			throw new ConfigError(`'${name}' is no service with a database; these have one: ${known.join(', ')}`);
		if (!Object.hasOwn(sections, name)) throw new ConfigError(`the configuration has no section '${name}'`);
	}
	const names = named.length > 0 ? [...new Set(named)] : known.filter((name) => Object.hasOwn(sections, name));
	const chosen = names.flatMap((name) => STORING_SERVICES.find((service) => service.name === name) ?? []);
	if (chosen.length === 0)
		throw new ConfigError(`the configuration has no section of a service with a database (${known.join(', ')})`);
	return chosen;
}
