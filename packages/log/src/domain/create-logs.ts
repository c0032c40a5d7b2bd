/**
 * Brings the two logs into being. Done by whoever sets up an instance, never by a server that merely starts: on a wrong
 * database it would begin an empty log beside the real one.
 */
import type { Signer } from '@chancery/keys/signer';
import type { Database } from '@chancery/postgres/sql';
import { createLog } from '@chancery/tlog/create-log';
import type { LogIdentity } from '@chancery/tlog/log-identity';
import type { LogConfig } from '../config.ts';
import { SCHEMA } from '../store/migrations.ts';
import { logIdentities } from './log-identities.ts';

export interface CreateLogsDeps {
	readonly database: Database;
	readonly config: LogConfig;
	/** What the logs are marked as for good. */
	readonly mode: LogIdentity['mode'];
	readonly v1Signer: Signer;
	readonly v2Signer: Signer;
}

/**
 * Writes the rows of both logs in the migrated schema. Safe to repeat.
 * @throws {TlogError} `identity-mismatch` when a log of the same name but with other values is there
 */
export async function createLogs(deps: CreateLogsDeps): Promise<{
	readonly v1: 'created' | 'exists';
	readonly v2: 'created' | 'exists';
}> {
	const { v1, v2 } = logIdentities(deps.config, deps);
	return {
		v1: await createLog(deps.database, SCHEMA, v1),
		v2: await createLog(deps.database, SCHEMA, v2),
	};
}
