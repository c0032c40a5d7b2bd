/**
 * Export to a folder that a web server serves as it is.
 *
 * A file is written under another name, synced, and then linked to its name, which fails when the name is taken: under
 * its name a file is always whole and the first one. Then the folder is synced. The checkpoint is renamed over the one
 * before, under the lock of the folder. A crash leaves files in `.incoming`, which the next start removes.
 *
 * It lies in the engine and not with the object stores of `net`, because it needs the file locks, file modes and trusted
 * paths of `postgres`.
 *
 * One exporter at a time has the folder (`.incoming/lock`); another one of the same host waits for it to end.
 */
import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makeFolder, makeFolders, openToWrite, syncFolder } from '@chancery/postgres/file-modes';
import { MarkError } from '@chancery/postgres/mark/mark';
import { MarkLock } from '@chancery/postgres/mark/mark-lock';
import { findUntrusted } from '@chancery/postgres/trusted-path';
import { CHECKPOINT_PATH, ExportError, type ExportStore, type StoredCheckpoint } from './export-store.ts';

const INCOMING = '.incoming';
const LOCK = 'lock';
/** Public by nature: whoever serves the folder may be another user, whatever the umask of this one. */
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;

/** The folder is made when it is missing. Its file system needs hard links and one host. */
export function openFolderStore(folder: string): ExportStore {
	const root = resolve(folder);
	const incoming = join(root, INCOMING);
	const lock = new MarkLock(join(incoming, LOCK), 'export folder');
	/** Folders whose own name is known to be durable. */
	const durable = new Set<string>();

	const hold = async () => {
		try {
			await lock.hold();
		} catch (cause) {
			if (!(cause instanceof MarkError)) throw cause;
			throw new ExportError(`nothing is exported to ${root}: ${cause.message}`, { cause });
		}
	};

	/** Also a folder that is there already may have been made by a process that died before it synced it. */
	const provideFolder = async (path: string): Promise<void> => {
		if (durable.has(path)) return;
		if (path !== root) await provideFolder(dirname(path));
		await (path === root ? makeFolders(path, FOLDER_MODE) : makeFolder(path, FOLDER_MODE));
		await syncFolder(dirname(path));
		durable.add(path);
	};

	const writeAside = async (bytes: Uint8Array): Promise<string> => {
		const path = join(incoming, randomUUID());
		const file = await openToWrite(path, constants.O_CREAT | constants.O_EXCL, FILE_MODE);
		try {
			await file.writeFile(bytes);
			await file.sync();
		} catch (error) {
			// On a full disk each attempt would leave a piece of a file and fill it further.
			await rm(path, { force: true }).catch(() => undefined);
			throw error;
		} finally {
			await file.close();
		}
		return path;
	};

	const read = async (path: string): Promise<Uint8Array | undefined> => {
		try {
			return new Uint8Array(await readFile(join(root, path)));
		} catch (error) {
			if (codeOf(error) === 'ENOENT') return undefined;
			throw error;
		}
	};

	const readCheckpoint = async (): Promise<StoredCheckpoint | undefined> => {
		const note = await read(CHECKPOINT_PATH);
		return note && { note, version: createHash('sha256').update(note).digest('hex') };
	};

	return {
		name: `folder ${root}`,
		async open() {
			await provideFolder(incoming);
			// What lies in there is removed: it must be in our own folder, and not in what somebody may put in its place.
			const untrusted = await findUntrusted(join(incoming, LOCK));
			if (untrusted !== undefined) throw new ExportError(`nothing is exported to ${root}: ${untrusted}`);
			await hold();
			for (const name of await readdir(incoming))
				if (name !== LOCK && name !== `${LOCK}.pid`) await rm(join(incoming, name), { force: true });
		},
		async create(path, bytes) {
			const target = join(root, path);
			await provideFolder(dirname(target));
			const aside = await writeAside(bytes);
			let outcome: 'created' | 'exists' = 'created';
			try {
				await link(aside, target);
			} catch (error) {
				if (codeOf(error) !== 'EEXIST') throw error;
				outcome = 'exists';
			}
			await rm(aside);
			// Also when it was there: whoever linked it may have died before this line.
			await syncFolder(dirname(target));
			return outcome;
		},
		async has(path) {
			try {
				return (await stat(join(root, path))).isFile();
			} catch (error) {
				if (codeOf(error) === 'ENOENT') return false;
				throw error;
			}
		},
		read,
		readCheckpoint,
		async swapCheckpoint(note, seen) {
			// Whoever lost the lock, to another host on a shared file system, stops here.
			await hold();
			if ((await readCheckpoint())?.version !== seen?.version) return false;
			await rename(await writeAside(note), join(root, CHECKPOINT_PATH));
			await syncFolder(root);
			return true;
		},
		close: () => lock.release(),
	};
}

function codeOf(error: unknown): string | undefined {
	return (error as NodeJS.ErrnoException).code;
}
