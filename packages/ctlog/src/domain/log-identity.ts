/** Which log this is. Everything here is written once, when the log is created, and compared at each start. */
import type { Database } from '@chancery/postgres/sql';
import { createLog } from '@chancery/tlog/create-log';
import type { LogIdentity } from '@chancery/tlog/log-identity';
import type { CtlogConfig } from '../config.ts';
import { SCHEMA } from '../store/migrations.ts';

/** The name of the log's rows inside the schema of this service. */
export const LOG_ID = 'ctlog';

/** Host and path of the log's URL, as tree heads name it (static-ct-api: the submission prefix without scheme). */
export function originOf(publicUrl: string): string {
	return publicUrl.replace(/^[a-z]+:\/\//i, '');
}

/** What decides, with the key, which log it is. */
export type CtlogPlace = Pick<CtlogConfig, 'publicUrl'> & Pick<LogIdentity, 'mode'>;

/** The identity that a configuration and a key make. */
export function logIdentityOf(config: CtlogPlace, publicKey: Uint8Array): LogIdentity {
	return {
		logId: LOG_ID,
		origin: originOf(config.publicUrl),
		treeId: null,
		wire: 'rfc6962',
		codec: 'static-ct',
		publicKey,
		mode: config.mode,
	};
}

/**
 * Creates the log of this configuration in a migrated database; harmless when it is there already.
 * @throws {TlogError} `identity-mismatch` when another log is there
 */
export function createCtlog(
	database: Database,
	config: CtlogPlace,
	publicKey: Uint8Array,
): Promise<'created' | 'exists'> {
	return createLog(database, SCHEMA, logIdentityOf(config, publicKey));
}
