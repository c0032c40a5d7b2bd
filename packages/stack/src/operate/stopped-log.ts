/** One log of an instance that nobody runs meanwhile, for commands that decide something about it. */
import { parseRfc3339 } from '@chancery/core/calendar-time';
import { logIdentityOf } from '@chancery/ctlog/domain/log-identity';
import { SCHEMA as CTLOG_SCHEMA } from '@chancery/ctlog/store/migrations';
import { logIdentities } from '@chancery/log/domain/log-identities';
import { SCHEMA as LOG_SCHEMA } from '@chancery/log/store/migrations';
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
import { Refusal } from '../instance/refusal.ts';

export type LogName = 'v1' | 'v2' | 'ctlog';

export interface StoppedLog {
	readonly database: Database;
	readonly schema: string;
	readonly identity: LogIdentity;
	/** Of the instance; names the folder of its marks. */
	readonly instanceId: string;
}

/**
 * Takes the lock of the folder and opens its database, with the engine's tables in their present form; `cleanup` gives
 * both back.
 * @throws Refusal when there is no instance, or somebody runs it
 */
export async function openStoppedLog(
	{ data, log, say }: { data: string; log: LogName; say: (line: string) => void },
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
	const schema = log === 'ctlog' ? CTLOG_SCHEMA : LOG_SCHEMA;
	await migrateTlog(database, schema);
	const { signers } = keys;
	const rekor = logIdentities(configurations.log, {
		mode: record.profile,
		v1Signer: signers['log-v1'],
		v2Signer: signers['log-v2'],
	});
	const identity =
		log === 'ctlog'
			? logIdentityOf({ ...configurations.ctlog, mode: record.profile }, signers.ctlog.publicKey)
			: rekor[log];
	return { database, schema, identity, instanceId: record.id };
}
