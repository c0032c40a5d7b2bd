/** One log of an instance that nobody runs meanwhile, for commands that decide something about it. */
import { loadConfig } from '@chancery/chassis/config/config';
import { openConfiguredKey } from '@chancery/chassis/config/process-config';
import { readProcessSettings } from '@chancery/chassis/process/process-settings';
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import type { AdoptableMarkStore } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import type { LogIdentity } from '@chancery/tlog/log-identity';
import { migrateTlog } from '@chancery/tlog/migrate';
import { openDevelopmentChains } from '../bootstrap/development-chains.ts';
import { openDevelopmentKeys } from '../bootstrap/development-keys.ts';
import { developmentConfigurations } from '../development/configurations.ts';
import { existingDataFolder } from '../instance/data-folder.ts';
import { lockFolder } from '../instance/folder-lock.ts';
import { openInstanceDatabase } from '../instance/instance-database.ts';
import type { InstancePlace } from '../instance/instance-place.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';
import { type InstanceLog, logsNamed } from '../services.ts';
import { requireMigrations, withConfiguredDatabase } from './configured-database.ts';
import { configuredMark } from './configured-mark.ts';

export interface StoppedLog {
	readonly database: Database;
	readonly schema: string;
	readonly identity: LogIdentity;
	readonly mark: AdoptableMarkStore;
}

export interface StoppedLogOrder {
	readonly place: InstancePlace;
	readonly log: string;
	/** What `pg_stat_activity` shows. */
	readonly purpose: string;
	readonly say: (line: string) => void;
}

/**
 * Opens a log for `work`, and closes it behind it. A data folder is locked meanwhile. Of a configuration file nobody knows
 * which processes use it: a mark in a file is then what keeps them away.
 * @throws {Refusal} when there is no instance, or somebody runs it; {ConfigError}; whatever `work` throws
 */
export async function withStoppedLog<T>(order: StoppedLogOrder, work: (log: StoppedLog) => Promise<T>): Promise<T> {
	const [found] = logsNamed([order.log]);
	if (!found) throw new Error(`there is no log ${order.log}`);
	await using cleanup = new AsyncDisposableStack();
	const { place } = order;
	if ('config' in place) return await withConfiguredLog(place.config, found, order.purpose, cleanup, work);
	// Awaited here: what the stack holds is closed when this function is left.
	return await work(await openFolderLog(place.data, found, order.say, cleanup));
}

/** Takes the lock of the folder and opens its database, with the engine's tables in their present form. */
async function openFolderLog(
	data: string,
	found: InstanceLog,
	say: (line: string) => void,
	cleanup: AsyncDisposableStack,
): Promise<StoppedLog> {
	const folder = existingDataFolder(data);
	const record = await readInstanceRecord(folder);
	if (!record) throw new Refusal(`${folder.path} holds no instance`);
	const lock = await lockFolder(folder.lock);
	cleanup.defer(() => lock.release());
	const keys = await openDevelopmentKeys(folder.keys);
	const chains = await openDevelopmentChains(folder.keys, keys, parseRfc3339(record.createdAt));
	const configurations = developmentConfigurations(record, keys, chains);
	const database = await openInstanceDatabase(folder.postgres, cleanup, say);
	await migrateTlog(database, found.schema);
	const signer = keys.of(found.service)[found.key];
	if (!signer) throw new Error(`the log ${found.name} has no key`);
	const mark = openFileMark(markPath(record.id, found.service.name, found.mark));
	cleanup.defer(() => mark.close?.());
	return {
		database,
		schema: found.schema,
		// The list of the logs does not know whose configuration is whose; this one is of the service that keeps the log.
		identity: found.identity(configurations(found.service) as never, signer, record.profile),
		mark,
	};
}

async function withConfiguredLog<T>(
	path: string,
	found: InstanceLog,
	purpose: string,
	cleanup: AsyncDisposableStack,
	work: (log: StoppedLog) => Promise<T>,
): Promise<T> {
	const { service, schema, key } = found;
	const { instance, sections } = await loadConfig(path);
	if (!Object.hasOwn(sections, service.name))
		throw new Refusal(`${path} has no section '${service.name}', which keeps ${found.name}`);
	const [settings] = (await readProcessSettings([service], path)).services;
	if (!settings) throw new Error(`the section '${service.name}' was not read`);
	const signer = await openConfiguredKey(service.name, settings.keys, key, false);
	const mark = configuredMark(settings, found.mark, cleanup);
	return withConfiguredDatabase({ instance, section: sections.database, purpose }, async (database) => {
		await requireMigrations(database, service, path);
		const identity = found.identity(settings.config as never, signer, instance.profile);
		return work({ database, schema, identity, mark });
	});
}
