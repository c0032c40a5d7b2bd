/**
 * Opens the two logs over the engine: each with its key, its form of checkpoint, and its mark.
 */
import type { Logger } from '@chancery/chassis/logger';
import type { Signer } from '@chancery/keys/signer';
import type { MarkStore } from '@chancery/postgres/mark/mark';
import type { Database } from '@chancery/postgres/sql';
import type { EngineMetrics } from '@chancery/tlog/engine-metrics';
import { openLog } from '@chancery/tlog/log';
import type { LogIdentity } from '@chancery/tlog/log-identity';
import { signCheckpoint, statementV1, statementV2 } from '../checkpoint-note.ts';
import type { LogConfig } from '../config.ts';
import { signedEntryTimestampPayload } from '../signed-entry-timestamp.ts';
import { SCHEMA } from '../store/migrations.ts';
import { logIdentities } from './log-identities.ts';
import type { SignatureLogV1, SignatureLogV2 } from './signature-log.ts';

export interface OpenLogsDeps {
	readonly config: LogConfig;
	readonly database: Database;
	readonly clock: () => number;
	readonly logger: Logger;
	readonly mode: LogIdentity['mode'];
	readonly v1Signer: Signer;
	readonly v2Signer: Signer;
	readonly marks: { readonly v1: MarkStore; readonly v2: MarkStore };
	/** What the engine measures each log with. */
	readonly engineMetrics: (log: 'v1' | 'v2') => EngineMetrics;
}

/** @throws {TlogError} `identity-mismatch` when the stored logs are others, or have not been created */
export async function openLogs(deps: OpenLogsDeps): Promise<{ v1: SignatureLogV1; v2: SignatureLogV2 }> {
	const { config, database, clock, v1Signer, v2Signer } = deps;
	const identities = logIdentities(config, deps);
	const options = { database, schema: SCHEMA, clock, logger: deps.logger };

	const statement1 = statementV1(config.v1.hostname, config.v1.treeId, v1Signer);
	const log1 = await openLog({
		...options,
		identity: identities.v1,
		metrics: deps.engineMetrics('v1'),
		mark: deps.marks.v1,
		signHead: (head) => signCheckpoint(statement1, head),
		signReceipt: (entry) => v1Signer.sign(signedEntryTimestampPayload(statement1.keyHash, entry)),
	});
	const v1 = {
		log: log1,
		statement: statement1,
		treeId: config.v1.treeId,
		logId: statement1.keyHash,
		publicKey: v1Signer.publicKey,
	};

	try {
		const statement2 = statementV2(config.v2.origin, v2Signer);
		const log2 = await openLog({
			...options,
			identity: identities.v2,
			metrics: deps.engineMetrics('v2'),
			mark: deps.marks.v2,
			signHead: (head) => signCheckpoint(statement2, head),
		});
		return {
			v1,
			v2: { log: log2, statement: statement2, logId: statement2.keyHash, publicKey: v2Signer.publicKey },
		};
	} catch (error) {
		await log1.close();
		throw error;
	}
}
