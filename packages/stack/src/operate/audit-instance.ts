/**
 * `chancery log audit` on the data folder of an instance, stopped or running. The database is opened read-only: that of a
 * running instance over its socket, that of a stopped one by starting its server for as long as the audit takes.
 */
import { join } from 'node:path';
import { openCheckpoint } from '@chancery/client/log-audit/log-key';
import type { AuditReport } from '@chancery/core/log-audit/findings';
import { openFileKey } from '@chancery/keys/file/file-key';
import { auditStoredLog } from '@chancery/tlog/audit/stored-log-audit';
import { keyFileName } from '../bootstrap/development-keys.ts';
import { existingDataFolder } from '../instance/data-folder.ts';
import { openDatabaseToRead } from '../instance/database-to-read.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';
import { logsNamed } from '../services.ts';
import { receiptCheck } from './receipt-check.ts';

export interface InstanceAudit {
	readonly data: string;
	/** Names of logs; all when undefined. */
	readonly logs: readonly string[] | undefined;
	readonly say: (line: string) => void;
	readonly onProgress: (log: string, entries: number, size: number) => void;
}

/** @throws {Refusal} when there is no instance, KeyError when a key file cannot be read */
export async function auditInstance(audit: InstanceAudit): Promise<{ log: string; report: AuditReport }[]> {
	const { data, logs, say, onProgress } = audit;
	await using cleanup = new AsyncDisposableStack();
	const folder = existingDataFolder(data);
	const record = await readInstanceRecord(folder);
	if (!record) throw new Refusal(`${folder.path} holds no instance`);
	const database = await openDatabaseToRead(folder, cleanup, say);
	const reports: { log: string; report: AuditReport }[] = [];
	for (const { name: log, service, schema, logId, key, mark } of logsNamed(logs)) {
		const { publicKey } = await openFileKey(join(folder.keys, keyFileName(service.name, key)));
		const report = await auditStoredLog({
			database,
			schema,
			logId,
			publicKey,
			mark: markPath(record.id, service.name, mark),
			openHead: (note, origin) => openCheckpoint(note, { spki: publicKey, named: undefined }, origin),
			receiptCheck: (wire) => receiptCheck(wire, publicKey),
			onProgress: (entries, size) => onProgress(log, entries, size),
		});
		reports.push({ log, report });
	}
	return reports;
}
