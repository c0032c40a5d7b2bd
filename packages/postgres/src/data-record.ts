/**
 * `embedded.json` in the data folder: where this folder's database is, so that it is never looked for, or made anew,
 * in the wrong place.
 */
import { randomBytes } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EmbeddedPostgresError } from './embedded-error.ts';

export interface DataRecord {
	/** Random name of this data folder, 16 hex digits. */
	readonly instance: string;
	/** Folder of the cluster: `cluster` (inside the data folder) or an absolute path; null before it is chosen. */
	readonly cluster: string | null;
	/** Whether initdb has once finished. From then on a missing cluster is a loss, not a first start. */
	readonly initialized: boolean;
	/** Folder of the socket of the running or last server. */
	readonly runtimeDir: string | null;
}

const FILE = 'embedded.json';

/**
 * Reads the record, or makes up a first one (not yet written).
 * @throws EmbeddedPostgresError `no-usable-folder` when the file is there and is not a record.
 */
export async function readRecord(dataDir: string): Promise<DataRecord> {
	const path = join(dataDir, FILE);
	let text: string;
	try {
		text = await readFile(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
		return { instance: randomBytes(8).toString('hex'), cluster: null, initialized: false, runtimeDir: null };
	}
	const record = parseRecord(text);
	if (record === undefined)
		throw new EmbeddedPostgresError('no-usable-folder', `${path} is not a record of an embedded database`);
	return record;
}

export async function writeRecord(dataDir: string, record: DataRecord): Promise<void> {
	await writeDurably(join(dataDir, FILE), `${JSON.stringify(record, null, '\t')}\n`);
}

/** Replaces a file so that a crash leaves the old one or the new one, mode 0600. */
export async function writeDurably(path: string, text: string): Promise<void> {
	const fresh = `${path}.new`;
	const file = await open(fresh, 'w', 0o600);
	try {
		await file.writeFile(text);
		await file.sync();
	} finally {
		await file.close();
	}
	await rename(fresh, path);
	await syncFolder(dirname(path));
}

export async function syncFolder(folder: string): Promise<void> {
	const handle = await open(folder, 'r');
	try {
		await handle.sync();
	} finally {
		await handle.close();
	}
}

function parseRecord(text: string): DataRecord | undefined {
	let value: Partial<Record<keyof DataRecord, unknown>>;
	try {
		value = JSON.parse(text);
	} catch {
		return undefined;
	}
	if (typeof value !== 'object' || value === null) return undefined;
	const { instance, cluster, initialized, runtimeDir } = value;
	if (typeof instance !== 'string' || !/^[0-9a-f]{16}$/.test(instance) || typeof initialized !== 'boolean')
		return undefined;
	if (!isPathOrNull(cluster) || !isPathOrNull(runtimeDir)) return undefined;
	return { instance, cluster, initialized, runtimeDir };
}

function isPathOrNull(value: unknown): value is string | null {
	return value === null || (typeof value === 'string' && value !== '' && !value.includes('\0'));
}
