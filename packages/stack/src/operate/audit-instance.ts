/**
 * `chancery log audit` on the data folder of an instance, stopped or running. The database is opened read-only: that of a
 * running instance over its socket, that of a stopped one by starting its server for as long as the audit takes.
 */
import { join } from 'node:path';
import { openCheckpoint } from '@chancery/client/log-audit/log-key';
import type { AuditReport } from '@chancery/core/log-audit/findings';
import { SCHEMA as CTLOG_SCHEMA } from '@chancery/ctlog/store/migrations';
import { openFileKey } from '@chancery/keys/file/file-key';
import { V1_LOG_ID, V2_LOG_ID } from '@chancery/log/domain/log-identities';
import { SCHEMA as LOG_SCHEMA } from '@chancery/log/store/migrations';
import { auditStoredLog } from '@chancery/tlog/audit/stored-log-audit';
import { existingDataFolder } from '../instance/data-folder.ts';
import { openDatabaseToRead } from '../instance/database-to-read.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';
import { receiptCheck } from './receipt-check.ts';

export const AUDITED_LOGS = ['v1', 'v2', 'ctlog'] as const;
export type AuditedLog = (typeof AUDITED_LOGS)[number];

const PLACES = {
	v1: { schema: LOG_SCHEMA, logId: V1_LOG_ID, key: 'log-v1.pem' },
	v2: { schema: LOG_SCHEMA, logId: V2_LOG_ID, key: 'log-v2.pem' },
	ctlog: { schema: CTLOG_SCHEMA, logId: 'ctlog', key: 'ctlog.pem' },
} as const;

export interface InstanceAudit {
	readonly data: string;
	readonly logs: readonly AuditedLog[];
	readonly say: (line: string) => void;
	readonly onProgress: (log: AuditedLog, entries: number, size: number) => void;
}

/** @throws Refusal when there is no instance, KeyError when a key file cannot be read */
export async function auditInstance(audit: InstanceAudit): Promise<{ log: AuditedLog; report: AuditReport }[]> {
	const { data, logs, say, onProgress } = audit;
	await using cleanup = new AsyncDisposableStack();
	const folder = existingDataFolder(data);
	const record = await readInstanceRecord(folder);
	if (!record) throw new Refusal(`${folder.path} holds no instance`);
	const database = await openDatabaseToRead(folder, cleanup, say);
	const reports: { log: AuditedLog; report: AuditReport }[] = [];
	for (const log of logs) {
		const { schema, logId, key } = PLACES[log];
		const { publicKey } = await openFileKey(join(folder.keys, key));
		const report = await auditStoredLog({
			database,
			schema,
			logId,
			publicKey,
			mark: markPath(record.id, log),
			openHead: (note, origin) => openCheckpoint(note, { spki: publicKey, named: undefined }, origin),
			receiptCheck: (wire) => receiptCheck(wire, publicKey),
			onProgress: (entries, size) => onProgress(log, entries, size),
		});
		reports.push({ log, report });
	}
	return reports;
}
