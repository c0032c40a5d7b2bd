/** `chancery migrate`: brings the schemas of services to what this version needs. */
import { loadConfig } from '@chancery/chassis/config/config';
import { migrateAll } from '@chancery/postgres/migrate';
import { withConfiguredDatabase } from './configured-database.ts';
import { chooseServices, STORING_SERVICES } from './service-list.ts';

export interface MigratedService {
	readonly service: string;
	/** File names, in order; empty when everything was there. */
	readonly applied: readonly string[];
}

/**
 * Migrates the named services, or all that the file has a section for; `onMigrated` hears of each. Safe to repeat, and
 * with several at once: of those who come together one applies a migration, and the others wait for it. A crash leaves
 * whole migrations, and the next run goes on behind the last one.
 * @throws ConfigError, MigrationError; Refusal when the database is away or refuses
 */
export async function migrateServices(
	configPath: string,
	named: readonly string[],
	onMigrated: (migrated: MigratedService) => void,
): Promise<void> {
	const { instance, sections } = await loadConfig(configPath);
	const services = chooseServices(named, sections);
	await withConfiguredDatabase({ instance, section: sections.database, purpose: 'migrate' }, async (database) => {
		for (const service of services) {
			const reports = await migrateAll(database, STORING_SERVICES[service] ?? []);
			onMigrated({ service, applied: reports.flatMap(({ applied }) => applied) });
		}
	});
}
