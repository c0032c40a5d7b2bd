/**
 * `chancery log create`: writes the rows of the logs that a configuration file describes. No service does that: one that
 * was pointed at a wrong database would begin an empty log beside the real one.
 */
import { ConfigError, loadConfig, parseSection } from '@chancery/chassis/config/config';
import { keysSection, openConfiguredKey } from '@chancery/chassis/config/process-config';
import { keyFindings } from '@chancery/chassis/config/process-findings';
import { type Finding, type InstanceSettings, refuseFindings } from '@chancery/chassis/config/production';
import { processConfigSchema as ctlogSchema } from '@chancery/ctlog/config';
import { createCtlog } from '@chancery/ctlog/domain/log-identity';
import { productionFindings as ctlogFindings } from '@chancery/ctlog/domain/production-findings';
import { requireLogKey } from '@chancery/ctlog/domain/sct';
import { processConfigSchema as logSchema } from '@chancery/log/config';
import { createLogs } from '@chancery/log/domain/create-logs';
import { productionFindings as logFindings } from '@chancery/log/domain/production-findings';
import { checkMigrations, MigrationError } from '@chancery/postgres/migrate';
import type { Database } from '@chancery/postgres/sql';
import { withConfiguredDatabase } from './configured-database.ts';
import { STORING_SERVICES } from './service-list.ts';

export interface CreatedLog {
	/** The service: `log` has two logs. */
	readonly service: string;
	readonly log: string;
	/** False: the same log was there already. */
	readonly isNew: boolean;
	readonly mode: InstanceSettings['profile'];
}

type Section = Readonly<Record<string, unknown>>;

/** A service whose logs are to be created, with everything that can be refused already looked at. */
interface Plan {
	readonly service: string;
	readonly findings: readonly Finding[];
	create(database: Database): Promise<CreatedLog[]>;
}

/**
 * Creates the logs of the sections `log` and `ctlog`, from configuration and keys, marked with the profile of the file.
 * Safe to repeat, and with several at once. A crash leaves some of the rows; the next run writes the others.
 * @throws ConfigError, KeyError; TlogError `identity-mismatch` when another log has the place
 */
export async function createConfiguredLogs(configPath: string): Promise<CreatedLog[]> {
	const { instance, sections } = await loadConfig(configPath);
	const plans = [
		...(sections.log ? [await planLog(instance, sections.log)] : []),
		...(sections.ctlog ? [await planCtlog(instance, sections.ctlog)] : []),
	];
	if (plans.length === 0) throw new ConfigError("the configuration has neither a section 'log' nor 'ctlog'");
	refuseFindings(
		instance,
		plans.flatMap(({ findings }) => findings),
	);
	return withConfiguredDatabase({ instance, section: sections.database, purpose: 'log create' }, async (database) => {
		for (const { service } of plans) await requireMigrations(database, service, configPath);
		const created: CreatedLog[] = [];
		for (const plan of plans) created.push(...(await plan.create(database)));
		return created;
	});
}

async function planLog({ profile: mode }: InstanceSettings, { listen: _, keys, ...own }: Section): Promise<Plan> {
	const config = parseSection('log', logSchema, own);
	const keyFiles = parseSection('log.keys', keysSection(), keys);
	return {
		service: 'log',
		findings: [...(await keyFindings('log', keyFiles)), ...logFindings(config)],
		create: async (database) => {
			const [v1Signer, v2Signer] = [
				await openConfiguredKey('log', keyFiles, 'v1', false),
				await openConfiguredKey('log', keyFiles, 'v2', false),
			];
			const outcomes = await createLogs({ database, config, mode, v1Signer, v2Signer });
			return Object.entries(outcomes).map(([log, outcome]) => ({
				service: 'log',
				log,
				isNew: outcome === 'created',
				mode,
			}));
		},
	};
}

async function planCtlog({ profile: mode }: InstanceSettings, { listen: _, keys, ...own }: Section): Promise<Plan> {
	const config = parseSection('ctlog', ctlogSchema, own);
	const keyFiles = parseSection('ctlog.keys', keysSection(), keys);
	return {
		service: 'ctlog',
		findings: [...(await keyFindings('ctlog', keyFiles)), ...ctlogFindings(config)],
		create: async (database) => {
			const signer = await openConfiguredKey('ctlog', keyFiles, 'signer', false);
			requireLogKey(signer);
			const outcome = await createCtlog(database, { ...config, mode }, signer.publicKey);
			return [{ service: 'ctlog', log: 'ctlog', isNew: outcome === 'created', mode }];
		},
	};
}

async function requireMigrations(database: Database, service: string, configPath: string): Promise<void> {
	for (const source of STORING_SERVICES[service] ?? [])
		try {
			await checkMigrations(database, source);
		} catch (error) {
			if (!(error instanceof MigrationError) || error.code !== 'missing') throw error;
			throw new ConfigError(`${error.message}: run 'chancery migrate ${service} --config ${configPath}'`);
		}
}
