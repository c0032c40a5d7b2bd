/**
 * What the two logs are, as it is written into the database once and compared at every start.
 */
import type { Signer } from '@chancery/keys/signer';
import type { LogIdentity } from '@chancery/tlog/log-identity';
import type { LogConfig } from '../config.ts';
import { statementV1, statementV2 } from './checkpoint-note.ts';

/** Names of the logs in the engine's tables. */
export const V1_LOG_ID = 'rekor-v1';
export const V2_LOG_ID = 'rekor-v2';

/** @throws Error when a key has the wrong algorithm for its wire */
export function logIdentities(
	config: LogConfig,
	given: { readonly v1Signer: Signer; readonly v2Signer: Signer; readonly mode: LogIdentity['mode'] },
): { readonly v1: LogIdentity; readonly v2: LogIdentity } {
	const { hostname, treeId } = config.v1;
	return {
		v1: {
			logId: V1_LOG_ID,
			origin: statementV1(hostname, treeId, given.v1Signer).origin,
			treeId,
			wire: 'rekor-v1',
			codec: 'tlog-tiles',
			publicKey: given.v1Signer.publicKey,
			mode: given.mode,
		},
		v2: {
			logId: V2_LOG_ID,
			origin: statementV2(config.v2.origin, given.v2Signer).origin,
			treeId: null,
			wire: 'rekor-v2',
			codec: 'tlog-tiles',
			publicKey: given.v2Signer.publicKey,
			mode: given.mode,
		},
	};
}
