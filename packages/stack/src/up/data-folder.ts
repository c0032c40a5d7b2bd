/**
 * The data folder of `chancery up`: one place for everything an instance must keep, except the marks of its logs.
 *
 * May be lost: `instance.json`, `trust/`, `log/` (made anew at each start). Must never be lost or rolled back apart
 * from each other: `keys/`, `postgres/`, `chancery.json`.
 */
import { chmod, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeFolder } from './folder.ts';
import { Refusal } from './refusal.ts';

export interface DataFolder {
	/** Absolute path. */
	readonly path: string;
	/** Where each part lies. */
	readonly record: string;
	readonly lock: string;
	readonly instance: string;
	readonly keys: string;
	readonly postgres: string;
	readonly trust: string;
	/** PEM of the authority behind the TLS certificates, for clients; only where it is a private one. */
	readonly tlsCa: string;
	readonly logFile: string;
}

/**
 * The owner's alone. The database server of root runs as another user and must be able to pass through, but not to
 * look: what lies beside the database is closed by itself.
 */
const FOLDER_MODE = process.getuid?.() === 0 ? 0o711 : 0o700;

/**
 * Opens or makes the folder, readable by its owner alone: it holds private keys without passphrase.
 * @throws Refusal when it cannot be used, saying why
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
	const absolute = resolve(path);
	try {
		await makeFolder(absolute, FOLDER_MODE);
		const found = await stat(absolute);
		if (!found.isDirectory()) throw new Refusal(`cannot use the data folder ${absolute}: it is not a folder`);
		const { uid, mode } = found;
		if (process.getuid && uid !== process.getuid())
			throw new Refusal(`${absolute} belongs to another user; choose another folder with --data`);
		if ((mode & 0o777) !== FOLDER_MODE) await chmod(absolute, FOLDER_MODE);
		for (const part of ['keys', 'trust']) await makeFolder(join(absolute, part), 0o700);
	} catch (error) {
		if (error instanceof Refusal) throw error;
		const reason = error instanceof Error ? error.message : String(error);
		throw new Refusal(`cannot use the data folder ${absolute} (below ${dirname(absolute)}): ${reason}`, {
			cause: error,
		});
	}
	return existingDataFolder(absolute);
}

/** Where the parts of a data folder lie; nothing is made or checked. */
export function existingDataFolder(path: string): DataFolder {
	const absolute = resolve(path);
	return {
		path: absolute,
		record: join(absolute, 'chancery.json'),
		lock: join(absolute, 'lock'),
		instance: join(absolute, 'instance.json'),
		keys: join(absolute, 'keys'),
		postgres: join(absolute, 'postgres'),
		trust: join(absolute, 'trust'),
		tlsCa: join(absolute, 'trust', 'tls-ca.pem'),
		logFile: join(absolute, 'chancery.log'),
	};
}
