/**
 * `chancery log adopt-head`: the deliberate way on for a log that is read-only because its mark is missing, or says
 * something else than the database. Nothing else may have the instance open.
 */
import { logIdentityOf } from '@chancery/ctlog/domain/log-identity';
import { SCHEMA as CTLOG_SCHEMA } from '@chancery/ctlog/store/migrations';
import { logIdentities } from '@chancery/log/domain/log-identities';
import { SCHEMA as LOG_SCHEMA } from '@chancery/log/store/search';
import { type Adoption, adoptHead as adopt } from '@chancery/tlog/adopt-head';
import { openDevelopmentChains } from '../bootstrap/development-chains.ts';
import { openDevelopmentKeys } from '../bootstrap/development-keys.ts';
import { existingDataFolder } from '../up/data-folder.ts';
import { lockFolder } from '../up/folder-lock.ts';
import { openInstanceDatabase } from '../up/instance-database.ts';
import { readInstanceRecord } from '../up/instance-record.ts';
import { Refusal } from '../up/refusal.ts';
import { developmentConfigurations } from './configurations.ts';
import { openMarks } from './marks.ts';

export interface AdoptionOrder {
	readonly data: string;
	readonly log: 'v1' | 'v2' | 'ctlog';
	/** Size of the published head as the operator read it; another one in the database is refused. */
	readonly size: number;
	/** For the record in the database: who and why. */
	readonly reason: string;
	readonly say: (line: string) => void;
}

/** @throws Refusal, TlogError `out-of-range` or `identity-mismatch` */
export async function adoptHead({ data, log, size, reason, say }: AdoptionOrder): Promise<Adoption> {
	await using cleanup = new AsyncDisposableStack();
	const folder = existingDataFolder(data);
	const record = await readInstanceRecord(folder);
	if (!record) throw new Refusal(`${folder.path} holds no instance`);
	const lock = await lockFolder(folder.lock);
	cleanup.defer(() => lock.release());
	const keys = await openDevelopmentKeys(folder.keys);
	const chains = await openDevelopmentChains(folder.keys, keys, new Date(record.createdAt));
	const configurations = developmentConfigurations(record, keys, chains);
	const database = await openInstanceDatabase(folder.postgres, cleanup, say);
	const { signers } = keys;
	const rekor = logIdentities(configurations.log, { v1Signer: signers['log-v1'], v2Signer: signers['log-v2'] });
	const mark = openMarks(record.id)[log];
	cleanup.defer(() => mark.close?.());
	// Awaited here: what the stack holds is closed when this function is left.
	return await adopt({
		database,
		schema: log === 'ctlog' ? CTLOG_SCHEMA : LOG_SCHEMA,
		identity: log === 'ctlog' ? logIdentityOf(configurations.ctlog, signers.ctlog.publicKey) : rekor[log],
		mark,
		expect: size,
		reason,
	});
}
