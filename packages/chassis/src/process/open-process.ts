/** Opens what the services of a process stand on: one pool for all of them, their keys and their marks. */
import { randomBytes } from 'node:crypto';
import type { Signer } from '@chancery/keys/signer';
import { checkMigrations, MigrationError, type MigrationSource } from '@chancery/postgres/migrate';
import { sqlState } from '@chancery/postgres/pg-errors';
import { openDatabase } from '@chancery/postgres/pool';
import type { Database } from '@chancery/postgres/sql';
import { ConfigError } from '../config/config.ts';
import { openConfiguredKey } from '../config/process-config.ts';
import { refuseFindings } from '../config/production.ts';
import type { Logger } from '../logger.ts';
import type { Service } from '../service.ts';
import { openWithMarks } from './open-with-marks.ts';
import type { ProcessSettings, ServiceSettings } from './process-settings.ts';

/** SQLSTATE insufficient_privilege. */
const NO_PRIVILEGE = '42501';

export interface OpenedProcess {
	/** In the order of the settings. */
	readonly services: readonly { readonly service: Service; readonly settings: ServiceSettings }[];
	/** Ends what was opened beside the services; they are closed before. */
	close(): Promise<void>;
}

/** Opens all services or none: when one does not open, those that did are closed again. */
export async function openProcess(
	settings: ProcessSettings,
	loggerOf: (service: string) => Logger,
): Promise<OpenedProcess> {
	const database = openProcessDatabase(settings);
	const opened: { service: Service; settings: ServiceSettings }[] = [];
	try {
		for (const own of settings.services) await checkDatabase(settings, own, database);
		for (const own of settings.services) {
			const service = await openService(settings, own, database, loggerOf(own.definition.name));
			opened.push({ service, settings: own });
		}
		return { services: opened, close: async () => database?.close() };
	} catch (error) {
		await Promise.allSettled(opened.map(({ service }) => service.close()));
		await database?.close();
		throw error;
	}
}

function openProcessDatabase({ database, services }: ProcessSettings): Database | undefined {
	const storing = services.filter(({ definition }) => definition.migrations !== undefined);
	if (storing.length === 0 || !database) return undefined;
	const [only, ...others] = storing.map(({ definition }) => definition.name);
	return openDatabase({
		...database,
		applicationName: others.length === 0 ? `chancery ${only}` : 'chancery',
	});
}

async function openService(
	{ instance: { profile, allow } }: ProcessSettings,
	{ definition, keys, config }: ServiceSettings,
	database: Database | undefined,
	logger: Logger,
): Promise<Service> {
	const requireEncrypted = profile === 'production' && !allow.includes('unencrypted-keys');
	const signers: Record<string, Signer> = {};
	for (const key of Object.keys(definition.keys))
		signers[key] = await openConfiguredKey(definition.name, keys, key, requireEncrypted);
	const deps = {
		config,
		profile,
		signers,
		clock: Date.now,
		random: (n: number) => new Uint8Array(randomBytes(n)),
		fetch,
		logger,
	};
	if (!definition.migrations) return openWithMarks(definition, config, (marks) => definition.open({ ...deps, marks }));
	if (!database) throw new Error(`${definition.name} keeps something, and there is no database`);
	return openWithMarks(definition, config, (marks) => definition.open({ ...deps, database, marks }));
}

async function checkDatabase(
	{ instance, path }: ProcessSettings,
	{ definition }: ServiceSettings,
	database: Database | undefined,
): Promise<void> {
	if (!definition.migrations || !database) return;
	await requireMigrations(database, definition.name, definition.migrations, path);
	refuseFindings(instance, (await definition.storedFindings?.(database)) ?? []);
}

async function requireMigrations(
	database: Database,
	name: string,
	migrations: readonly MigrationSource[],
	path: string,
): Promise<void> {
	for (const source of migrations)
		try {
			await checkMigrations(database, source);
		} catch (error) {
			if (sqlState(error) === NO_PRIVILEGE)
				throw new ConfigError(
					`the database user may not read which migrations schema ${source.schema} has: grant usage on the schema and select on ${source.schema}.migrations`,
					{ cause: error },
				);
			if (!(error instanceof MigrationError)) throw error;
			const advice = error.code === 'missing' ? `: run 'chancery migrate ${name} --config ${path}'` : '';
			throw new ConfigError(`${error.message}${advice}`, { cause: error });
		}
}
