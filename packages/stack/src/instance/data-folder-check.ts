/**
 * Whether a folder may be used as a data folder: everything in it that is believed belongs to us and can be changed by
 * nobody else. Looks only. A folder that somebody else uses, or has prepared, is told apart from one that is free: new,
 * empty, a volume just made, or what a start left that was killed before it wrote its record.
 */
import type { Stats } from 'node:fs';
import { access, constants, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { findUntrusted, isTrustedOwner } from '@chancery/postgres/trusted-path';
import { Refusal } from './refusal.ts';

export const RECORD = 'chancery.json';

interface Part {
	readonly kind: 'file' | 'folder';
	/** Nobody else may look at it: keys, secrets, and what may hold them. */
	readonly isPrivate: boolean;
	/** Otherwise it has one: the other might be that of another file of ours, which somebody wants to see written over. */
	readonly mayHaveNames?: boolean;
}

/** Keys, chains, and what a crash left of their making: certificates are public, and a key may have two names then. */
const KEYS_FILE: Part = { kind: 'file', isPrivate: false, mayHaveNames: true };

/** What we put there, and believe. */
const PARTS: Readonly<Record<string, Part>> = {
	[RECORD]: { kind: 'file', isPrivate: true },
	[`${RECORD}.new`]: { kind: 'file', isPrivate: true },
	keys: { kind: 'folder', isPrivate: true },
	trust: { kind: 'folder', isPrivate: true },
	postgres: { kind: 'folder', isPrivate: false },
	lock: { kind: 'file', isPrivate: true },
	// Of the lock of earlier versions.
	'lock-journal': { kind: 'file', isPrivate: true },
	'lock.pid': { kind: 'file', isPrivate: true },
	'instance.json': { kind: 'file', isPrivate: false },
	'chancery.log': { kind: 'file', isPrivate: true },
	'chancery.log.1': { kind: 'file', isPrivate: true },
};

/** What a start may have left that was killed before the record was there: folders only as they are made, empty. */
const BEFORE_THE_RECORD = new Set([`${RECORD}.new`, 'keys', 'trust', 'lock', 'lock-journal', 'lock.pid']);

/** Of every new file system of the ext family. */
const LOST_AND_FOUND = 'lost+found';

const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_ANYTHING = 0o077;

/**
 * Looks at the folder, which is there, and at everything in it that we would believe.
 * @param folder its real path.
 * @returns whether it is ours to close; a volume that root has mounted is not.
 * @throws {Refusal} naming what is not ours, and what to do.
 */
export async function checkFolder(folder: string): Promise<boolean> {
	const found = await lstat(folder);
	const isOurs = found.uid === process.geteuid?.();
	if (!isOurs && !(isTrustedOwner(found.uid) && (await isWritable(folder))))
		throw new Refusal(`${folder} belongs to another user; choose another folder with --data`);
	const holdsInstance = await checkContent(folder);
	const octal = (found.mode & 0o7777).toString(8).padStart(4, '0');
	if (isOurs && holdsInstance && (found.mode & OTHERS_MAY_WRITE) !== 0)
		throw new Refusal(
			`${folder} has mode ${octal}, so others could have exchanged what is in it. If you are sure that they have not: chmod go-w ${folder}`,
		);
	const untrusted = isOurs ? undefined : await findUntrusted(join(folder, RECORD));
	if (untrusted !== undefined) throw new Refusal(`${untrusted}; ${await adviseOnPlace(folder)}`);
	return isOurs;
}

/** What to do about a folder that lies where others can replace it. An instance in it goes on wherever it is moved to. */
export async function adviseOnPlace(folder: string): Promise<string> {
	const record = await lstat(join(folder, RECORD)).catch(() => undefined);
	if (!record) return 'choose another folder with --data';
	return `the instance in ${folder} is not lost: if you are sure that nobody has exchanged it, move the folder to a place of yours, and name it with --data`;
}

function isWritable(folder: string): Promise<boolean> {
	return access(folder, constants.W_OK | constants.X_OK).then(
		() => true,
		() => false,
	);
}

/** Returns whether an instance is in it. */
async function checkContent(folder: string): Promise<boolean> {
	const names = await readdir(folder);
	const holdsInstance = names.includes(RECORD);
	for (const name of names) {
		const part = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
		// What we would not touch first, so that a stranger's folder is called what it is.
		if (!holdsInstance && !(await isFromBefore(folder, name, part))) {
			// Another start wrote the record since the folder was listed; from now on it stays.
			if (await look(join(folder, RECORD))) return checkContent(folder);
			throw new Refusal(
				`${folder} holds no instance (no ${RECORD}) and is not empty: '${name}' is in it. Choose an empty folder, or one that does not exist, with --data`,
			);
		}
		if (part !== undefined) await checkPart(join(folder, name), part);
	}
	if (names.includes('keys'))
		for (const name of await readdir(join(folder, 'keys'))) await checkPart(join(folder, 'keys', name), KEYS_FILE);
	return holdsInstance;
}

/** Whether a start left it that was killed before it wrote its record, or the file system has it from the beginning. */
async function isFromBefore(folder: string, name: string, part: Part | undefined): Promise<boolean> {
	const path = join(folder, name);
	const found = await look(path);
	if (!found) return true;
	if (name === LOST_AND_FOUND) return found.isDirectory() && found.uid === 0;
	if (part === undefined || !BEFORE_THE_RECORD.has(name)) return false;
	return part.kind === 'file' || !found.isDirectory() || (await readdir(path)).length === 0;
}

/** Undefined when it is gone: another start, which holds the lock, renames and removes what it has made. */
async function look(path: string): Promise<Stats | undefined> {
	try {
		return await lstat(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
}

async function checkPart(path: string, { kind, isPrivate, mayHaveNames }: Part): Promise<void> {
	const found = await look(path);
	if (!found) return;
	const advice = 'nothing of it is used. Restore it, or choose another folder with --data';
	if (found.isSymbolicLink())
		throw new Refusal(`${path} is a link, and not the ${kind} that was made there; ${advice}`);
	if (kind === 'file' ? !found.isFile() : !found.isDirectory())
		throw new Refusal(`${path} is not a ${kind}, as it was made; ${advice}`);
	if (found.uid !== process.geteuid?.())
		throw new Refusal(`${path} belongs to user ${found.uid}, not to you; ${advice}`);
	if (kind === 'file' && found.nlink > 1 && !mayHaveNames)
		throw new Refusal(`${path} is the same file as another name; ${advice}`);
	if ((found.mode & (isPrivate ? OTHERS_MAY_ANYTHING : OTHERS_MAY_WRITE)) === 0) return;
	const octal = (found.mode & 0o7777).toString(8).padStart(4, '0');
	throw new Refusal(
		`${path} has mode ${octal}, so others ${isPrivate ? 'could use' : 'could have changed'} it. If you are sure of its content, close it: chmod go-rwx ${path}`,
	);
}
