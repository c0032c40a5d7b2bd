/**
 * Whether a path leads where we believe at every use. Somebody who may rename or replace one folder on the way decides
 * what root, or the owner of the keys, finds at its end.
 */
import { lstat, readlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

const WRITTEN_BY_GROUP = 0o020;
const WRITTEN_BY_OTHERS = 0o002;
/** In such a folder (/tmp) everybody may make names, and only their owners may change them. */
const STICKY = 0o1000;
const ROOT = 0;
/** As many as the kernel follows. */
const MAX_LINKS = 40;

/**
 * Looks at every folder and link above `path`, also where the links lead; what is not there yet counts as ours.
 * Folders of a group that is our own first group, or root's, may be written by it: umask 002 leaves them so.
 * @returns what another user can change, as a sentence without its full stop; undefined when there is nothing.
 */
export async function findUntrusted(path: string): Promise<string | undefined> {
	let links = 0;
	const look = async (at: string): Promise<string | undefined> => {
		if (at !== dirname(at)) {
			const above = await look(dirname(at));
			if (above !== undefined) return above;
		}
		const found = await lstat(at).catch(() => undefined);
		if (found === undefined) return undefined;
		if (!isTrustedOwner(found.uid)) return `${at} belongs to user ${found.uid}, who can replace what lies below it`;
		if (found.isSymbolicLink()) {
			if (++links > MAX_LINKS) return `${at} is one of too many links`;
			return look(resolve(dirname(at), await readlink(at)));
		}
		const isOwnGroup = found.gid === process.getegid?.() || found.gid === ROOT;
		const writers = found.mode & (isOwnGroup ? WRITTEN_BY_OTHERS : WRITTEN_BY_OTHERS | WRITTEN_BY_GROUP);
		if (writers === 0 || (found.mode & STICKY) !== 0 || (await isMounted(at, found.dev))) return undefined;
		const octal = (found.mode & 0o7777).toString(8).padStart(4, '0');
		return `${at} has mode ${octal}, so other users can replace what lies below it`;
	};
	return look(dirname(resolve(path)));
}

/** Whoever mounts a volume that a group, or everybody, may write (Kubernetes does) decides who gets to it. */
async function isMounted(path: string, device: number): Promise<boolean> {
	return (await lstat(dirname(path))).dev !== device;
}

/** Root may change everything anyway. */
export function isTrustedOwner(uid: number): boolean {
	return uid === ROOT || uid === process.geteuid?.();
}
