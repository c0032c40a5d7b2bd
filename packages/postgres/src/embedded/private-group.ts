/**
 * Whether a group has only one user, as most systems make one for each user, together with a umask of 002. On other
 * systems users share a group (`users`, `staff`), and each of them may replace what the group may write.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SCRUBBED_ENV, type ServerUser } from './server-user.ts';

const TIMEOUT_MS = 10_000;
/** Directories of accounts may be large. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Exit code of `getent` when there is no such entry. */
const NO_ENTRY = 2;

/**
 * Looks at the accounts of the machine. Some directory services do not list their users, so an empty list of other members
 * proves nothing: the group must also have the user's own name. A number without a name, as in a container, counts as the
 * user's own group when it equals the user's number.
 * @param user with the group in question.
 */
export async function isPrivateGroup({ uid, gid }: ServerUser): Promise<boolean> {
	const [group] = (await getent('group', String(gid))) ?? [];
	const users = (await getent('passwd')) ?? [];
	if (users.some(([, , id, first]) => Number(first) === gid && Number(id) !== uid)) return false;
	if (group === undefined) return uid === gid;
	const [name, , , members = ''] = group;
	const [user] = (await getent('passwd', String(uid))) ?? [];
	return user?.[0] === name && members.split(',').every((member) => member === '' || member === name);
}

/** The fields of each line; undefined when there is no entry, or no program to ask. */
async function getent(database: 'passwd' | 'group', ...keys: readonly string[]): Promise<string[][] | undefined> {
	const options = { cwd: '/', env: SCRUBBED_ENV, timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES };
	try {
		const { stdout } = await promisify(execFile)('getent', [database, ...keys], options);
		return stdout
			.split('\n')
			.filter((line) => line !== '')
			.map((line) => line.split(':'));
	} catch (error) {
		const { code } = error as { readonly code?: unknown };
		if (code === NO_ENTRY || code === 'ENOENT') return undefined;
		throw error;
	}
}
