/**
 * `embedded.json` in the data folder: where this folder's database is, so that it is never searched, or made again, in
 * the wrong place.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '../file-modes.ts';
import type { DatabaseAccount } from './database-account.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';

export interface DataRecord {
	/** Random name of this data folder, 16 hex digits. */
	readonly instance: string;
	/** Folder of the cluster: `cluster` (inside the data folder) or an absolute path; null before it is chosen. */
	readonly cluster: string | null;
	/** Whether initdb has finished once. From then on a missing cluster is a loss, not a first start. */
	readonly initialized: boolean;
	/** Folder of the socket of the running or last server. */
	readonly runtimeDir: string | null;
	/** The account that root's server runs as. Null for other users, and in records of versions that had no accounts. */
	readonly account: DatabaseAccount | null;
	/** Another user who had the cluster when the account was chosen, and from whom it must be taken over. */
	readonly formerOwner: number | null;
}

const FILE = 'embedded.json';

/**
 * Reads the record, or makes a first one (without writing it).
 * @throws {EmbeddedPostgresError} `no-usable-folder` when the file is there and is not a record.
 */
export async function readRecord(dataDir: string): Promise<DataRecord> {
	const path = join(dataDir, FILE);
	let text: string;
	try {
		text = await readFile(path, 'utf8');
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
		const instance = randomBytes(8).toString('hex');
		return { instance, cluster: null, initialized: false, runtimeDir: null, account: null, formerOwner: null };
	}
	const record = parseRecord(text);
	if (record === undefined)
		throw new EmbeddedPostgresError('no-usable-folder', `${path} is not a record of an embedded database`);
	return record;
}

export async function writeRecord(dataDir: string, record: DataRecord): Promise<void> {
	await writeDurably(join(dataDir, FILE), `${JSON.stringify(record, null, '\t')}\n`, 0o600);
}

function parseRecord(text: string): DataRecord | undefined {
	let value: Partial<Record<keyof DataRecord, unknown>>;
	try {
		value = JSON.parse(text);
	} catch {
		return undefined;
	}
	if (typeof value !== 'object' || value === null) return undefined;
	// The last two are missing in the records of the first version.
	const { instance, cluster, initialized, runtimeDir, account = null, formerOwner = null } = value;
	if (typeof instance !== 'string' || !/^[0-9a-f]{16}$/.test(instance) || typeof initialized !== 'boolean')
		return undefined;
	if (!isPathOrNull(cluster) || !isPathOrNull(runtimeDir)) return undefined;
	if (!isAccountOrNull(account) || !(formerOwner === null || isId(formerOwner))) return undefined;
	return { instance, cluster, initialized, runtimeDir, account, formerOwner };
}

function isAccountOrNull(value: unknown): value is DatabaseAccount | null {
	if (value === null) return true;
	if (typeof value !== 'object') return false;
	const { name, uid, gid } = value as Partial<Record<keyof DatabaseAccount, unknown>>;
	return typeof name === 'string' && /^[A-Za-z0-9_.-]+$/.test(name) && isId(uid) && isId(gid);
}

/** The id of a user or group that is not root's. */
function isId(value: unknown): value is number {
	return Number.isInteger(value) && (value as number) > 0 && (value as number) < 2 ** 32;
}

function isPathOrNull(value: unknown): value is string | null {
	return value === null || (typeof value === 'string' && value !== '' && !value.includes('\0'));
}
