/** One log of an instance that nobody runs meanwhile, for commands that decide something about it. */
import { parseRfc3339 } from '@chancery/core/calendar-time';
import type { Database } from '@chancery/postgres/sql';
import type { LogIdentity } from '@chancery/tlog/log-identity';
import { migrateTlog } from '@chancery/tlog/migrate';
import { openDevelopmentChains } from '../bootstrap/development-chains.ts';
import { openDevelopmentKeys } from '../bootstrap/development-keys.ts';
import { developmentConfigurations } from '../development/configurations.ts';
import { existingDataFolder } from '../instance/data-folder.ts';
import { lockFolder } from '../instance/folder-lock.ts';
import { openInstanceDatabase } from '../instance/instance-database.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';
import { logsNamed } from '../services.ts';

export interface StoppedLog {
	readonly database: Database;
	readonly schema: string;
	readonly identity: LogIdentity;
	/** File of its mark. */
	readonly markFile: string;
}

/**
 * Takes the lock of the folder and opens its database, with the engine's tables in their present form; `cleanup` gives
 * both back.
 * @throws {Refusal} when there is no instance, or somebody runs it
 */
export async function openStoppedLog(
	{ data, log, say }: { data: string; log: string; say: (line: string) => void },
	cleanup: AsyncDisposableStack,
): Promise<StoppedLog> {
	const [found] = logsNamed([log]);
	if (!found) throw new Error(`there is no log ${log}`);
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
	if (!signer) throw new Error(`the log ${log} has no key`);
	return {
		database,
		schema: found.schema,
		// The list of the logs does not know whose configuration is whose; this one is of the service that keeps the log.
		identity: found.identity(configurations(found.service) as never, signer, record.profile),
		markFile: markPath(record.id, found.service.name, found.mark),
	};
}
