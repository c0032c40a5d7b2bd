/**
 * Whether a path always leads to the place that we expect. A user who may rename or replace one folder on the path decides
 * what root, or the owner of the keys, finds at its end.
 */
import { lstat, readlink } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isPrivateGroup } from './embedded/private-group.ts';

const WRITTEN_BY_GROUP = 0o020;
const WRITTEN_BY_OTHERS = 0o002;
/** In such a folder (/tmp) everybody may create names, and only their owners may change them. */
const STICKY = 0o1000;
const ROOT = 0;
/** The limit of the kernel. */
const MAX_LINKS = 40;

/**
 * Checks every folder and link above `path`, also along the targets of links. What does not exist yet counts as ours. Our own
 * first group may write our folders when it has no other member: umask 002 makes them so. Root's group may always write.
 * @returns what another user can change, as a sentence without its full stop; undefined when there is nothing.
 */
export async function findUntrusted(path: string): Promise<string | undefined> {
	let links = 0;
	// Determined once, and only when needed.
	let isAlone: Promise<boolean> | undefined;
	const isOurGroup = (gid: number) => {
		const [uid, own] = [process.geteuid?.(), process.getegid?.()];
		if (uid === undefined || gid !== own) return false;
		isAlone ??= isPrivateGroup({ uid, gid });
		return isAlone;
	};
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
		const { mode, gid } = found;
		if ((mode & (WRITTEN_BY_OTHERS | WRITTEN_BY_GROUP)) === 0 || (mode & STICKY) !== 0) return undefined;
		if ((mode & WRITTEN_BY_OTHERS) === 0 && (gid === ROOT || (await isOurGroup(gid)))) return undefined;
		if (await isMounted(at, found.dev)) return undefined;
		const octal = (mode & 0o7777).toString(8).padStart(4, '0');
		return `${at} has mode ${octal}, so other users can replace what lies below it`;
	};
	return look(dirname(resolve(path)));
}

/** When a volume is mounted that a group, or everybody, may write (as in Kubernetes), the operator decides who can reach it. */
async function isMounted(path: string, device: number): Promise<boolean> {
	return (await lstat(dirname(path))).dev !== device;
}

/** Root may change everything anyway. */
export function isTrustedOwner(uid: number): boolean {
	return uid === ROOT || uid === process.geteuid?.();
}
