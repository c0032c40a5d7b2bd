/**
 * `chancery log create`: writes the rows of the logs that a configuration file describes. No service does that: one that
 * was pointed at a wrong database would begin an empty log beside the real one.
 */
import { ConfigError, loadConfig, parseSection } from '@chancery/chassis/config/config';
import { keysSection, openConfiguredKey } from '@chancery/chassis/config/process-config';
import { keyFindings } from '@chancery/chassis/config/process-findings';
import { type Finding, type InstanceSettings, refuseFindings } from '@chancery/chassis/config/production';
import type { CreatedLog as CreatedRow, StoringService } from '@chancery/chassis/service-definition';
import type { Signer } from '@chancery/keys/signer';
import { STORING_SERVICES } from '../services.ts';
import { requireMigrations, withConfiguredDatabase } from './configured-database.ts';

export interface CreatedLog extends CreatedRow {
	/** The service: `log` has two logs. */
	readonly service: string;
	readonly mode: InstanceSettings['profile'];
}

type Section = Readonly<Record<string, unknown>>;

/** A service whose logs are to be created, with everything that can be refused already looked at. */
interface Plan {
	readonly service: StoringService;
	readonly config: unknown;
	readonly findings: readonly Finding[];
	openKeys(): Promise<Record<string, Signer>>;
}

const LOG_SERVICES = STORING_SERVICES.filter(({ createLogs }) => createLogs !== undefined);

/**
 * Creates the logs of all sections whose services keep some, from configuration and keys, marked with the profile of the
 * file. Safe to repeat, and with several at once. A crash leaves some of the rows; the next run writes the others.
 * @throws {ConfigError}, KeyError; TlogError `identity-mismatch` when another log has the place
 */
export async function createConfiguredLogs(configPath: string): Promise<CreatedLog[]> {
	const { instance, sections } = await loadConfig(configPath);
	const plans: Plan[] = [];
	for (const service of LOG_SERVICES) {
		const section = sections[service.name];
		if (section) plans.push(await planLogs(service, section));
	}
	if (plans.length === 0) {
		const names = LOG_SERVICES.map(({ name }) => `'${name}'`);
		throw new ConfigError(`the configuration has neither a section ${names.join(' nor ')}`);
	}
	refuseFindings(
		instance,
		plans.flatMap(({ findings }) => findings),
	);
	return withConfiguredDatabase({ instance, section: sections.database, purpose: 'log create' }, async (database) => {
		for (const { service } of plans) await requireMigrations(database, service, configPath);
		const created: CreatedLog[] = [];
		const { profile } = instance;
		for (const { service, config, openKeys } of plans) {
			const logs = await service.createLogs?.({ database, config, profile, signers: await openKeys() });
			for (const log of logs ?? []) created.push({ service: service.name, ...log, mode: profile });
		}
		return created;
	});
}

async function planLogs(service: StoringService, { listen: _, keys: section, ...own }: Section): Promise<Plan> {
	const config = parseSection(service.name, service.config(), own);
	const keys = parseSection(`${service.name}.keys`, keysSection(), section);
	return {
		service,
		config,
		findings: [...(await keyFindings(service.name, keys)), ...service.findings(config)],
		openKeys: async () => {
			const signers: Record<string, Signer> = {};
			for (const key of Object.keys(service.keys))
				signers[key] = await openConfiguredKey(service.name, keys, key, false);
			return signers;
		},
	};
}
