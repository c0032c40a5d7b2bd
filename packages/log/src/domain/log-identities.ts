/**
 * What the two logs are, as it is written into the database once and compared at every start.
 */
import type { LogIdentity } from '@chancery/tlog/log-identity';
import type { LogKey } from '@chancery/tlog/service-log';
import { statementV1, statementV2 } from '../checkpoint-note.ts';
import type { LogConfig } from '../config.ts';

/** Names of the logs in the engine's tables. */
export const V1_LOG_ID = 'rekor-v1';
export const V2_LOG_ID = 'rekor-v2';

/** @throws {LogKeyError} when a key has the wrong algorithm for its wire */
export function logIdentities(
	config: LogConfig,
	given: { readonly v1Signer: LogKey; readonly v2Signer: LogKey; readonly mode: LogIdentity['mode'] },
): { readonly v1: LogIdentity; readonly v2: LogIdentity } {
	return {
		v1: identityV1(config, given.v1Signer, given.mode),
		v2: identityV2(config, given.v2Signer, given.mode),
	};
}

export function identityV1(
	{ v1: { hostname, treeId } }: LogConfig,
	key: LogKey,
	mode: LogIdentity['mode'],
): LogIdentity {
	return {
		logId: V1_LOG_ID,
		origin: statementV1(hostname, treeId, key).origin,
		treeId,
		wire: 'rekor-v1',
		codec: 'tlog-tiles',
		publicKey: key.publicKey,
		mode,
	};
}

export function identityV2({ v2 }: LogConfig, key: LogKey, mode: LogIdentity['mode']): LogIdentity {
	return {
		logId: V2_LOG_ID,
		origin: statementV2(v2.origin, key).origin,
		treeId: null,
		wire: 'rekor-v2',
		codec: 'tlog-tiles',
		publicKey: key.publicKey,
		mode,
	};
}
