/**
 * `chancery log audit` of an instance, stopped or running. The database is opened read-only: that of a configuration file,
 * that of a running instance over its socket, that of a stopped one by starting its server for as long as the audit takes.
 */
import { join } from 'node:path';
import { loadConfig } from '@chancery/chassis/config/config';
import { openConfiguredKey } from '@chancery/chassis/config/process-config';
import { databaseFindings } from '@chancery/chassis/config/process-findings';
import { refuseFindings } from '@chancery/chassis/config/production';
import { readProcessSettings } from '@chancery/chassis/process/process-settings';
import { openCheckpoint } from '@chancery/client/log-audit/log-key';
import type { AuditReport } from '@chancery/core/log-audit/findings';
import { openFileKey } from '@chancery/keys/file/file-key';
import { openFileMark } from '@chancery/postgres/mark/file-mark';
import { isUnavailable } from '@chancery/postgres/pg-errors';
import type { Database } from '@chancery/postgres/sql';
import { auditStoredLog, type StoredLog } from '@chancery/tlog/audit/stored-log-audit';
import { keyFileName } from '../bootstrap/development-keys.ts';
import { existingDataFolder } from '../instance/data-folder.ts';
import { openDatabaseToRead, openToRead } from '../instance/database-to-read.ts';
import type { InstancePlace } from '../instance/instance-place.ts';
import { readInstanceRecord } from '../instance/instance-record.ts';
import { markPath } from '../instance/marks.ts';
import { Refusal } from '../instance/refusal.ts';
import { type InstanceLog, LOGS, logsNamed } from '../services.ts';
import { configuredMark } from './configured-mark.ts';
import { receiptCheck } from './receipt-check.ts';

export interface InstanceAudit {
	readonly place: InstancePlace;
	/** Names of logs; all when undefined. */
	readonly logs: readonly string[] | undefined;
	readonly say: (line: string) => void;
	readonly onProgress: (log: string, entries: number, size: number) => void;
}

interface OpenedInstance {
	readonly database: Database;
	readonly logs: readonly (Pick<StoredLog, 'publicKey' | 'mark'> & { readonly log: InstanceLog })[];
}

/** @throws {Refusal} when there is no instance, {ConfigError}, KeyError when a key cannot be opened */
export async function auditInstance({
	place,
	logs,
	say,
	onProgress,
}: InstanceAudit): Promise<{ log: string; report: AuditReport }[]> {
	await using cleanup = new AsyncDisposableStack();
	const opened =
		'config' in place
			? await openConfiguredInstance(place.config, logs, cleanup)
			: await openFolderInstance(place.data, logs, say, cleanup);
	const reports: { log: string; report: AuditReport }[] = [];
	for (const { log, publicKey, mark } of opened.logs) {
		const { name, schema, logId } = log;
		const report = await auditStoredLog({
			database: opened.database,
			schema,
			logId,
			publicKey,
			mark,
			openHead: (note, origin) => openCheckpoint(note, { spki: publicKey, named: undefined }, origin),
			receiptCheck: (wire) => receiptCheck(wire, publicKey),
			onProgress: (entries, size) => onProgress(name, entries, size),
		}).catch((error: unknown) => {
			if (!isUnavailable(error)) throw error;
			throw new Refusal(`the database cannot be reached: ${(error as Error).message}`, { cause: error });
		});
		reports.push({ log: name, report });
	}
	return reports;
}

async function openFolderInstance(
	data: string,
	named: readonly string[] | undefined,
	say: (line: string) => void,
	cleanup: AsyncDisposableStack,
): Promise<OpenedInstance> {
	const folder = existingDataFolder(data);
	const record = await readInstanceRecord(folder);
	if (!record) throw new Refusal(`${folder.path} holds no instance`);
	const database = await openDatabaseToRead(folder, cleanup, say);
	const logs = logsNamed(named).map(async (log) => ({
		log,
		publicKey: (await openFileKey(join(folder.keys, keyFileName(log.service.name, log.key)))).publicKey,
		mark: openFileMark(markPath(record.id, log.service.name, log.mark)),
	}));
	return { database, logs: await Promise.all(logs) };
}

async function openConfiguredInstance(
	path: string,
	named: readonly string[] | undefined,
	cleanup: AsyncDisposableStack,
): Promise<OpenedInstance> {
	const { instance, sections } = await loadConfig(path);
	const isThere = ({ service: { name } }: InstanceLog) => Object.hasOwn(sections, name);
	const logs: OpenedInstance['logs'][number][] = [];
	for (const log of named === undefined ? LOGS.filter(isThere) : logsNamed(named)) {
		if (!isThere(log)) throw new Refusal(`${path} has no section '${log.service.name}', which keeps ${log.name}`);
		const [settings] = (await readProcessSettings([log.service], path)).services;
		if (!settings) throw new Error(`the section '${log.service.name}' was not read`);
		const { publicKey } = await openConfiguredKey(log.service.name, settings.keys, log.key, false);
		logs.push({ log, publicKey, mark: configuredMark(settings, log.mark, cleanup) });
	}
	if (logs.length === 0) throw new Refusal(`${path} has neither a section 'log' nor 'ctlog'`);
	const { database: section } = await readProcessSettings([], path);
	if (!section) throw new Refusal(`${path} has no section 'database'`);
	refuseFindings(instance, databaseFindings('database.url', section.url));
	const database = openToRead(section.url);
	cleanup.defer(() => database.close());
	return { database, logs };
}
