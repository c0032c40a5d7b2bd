/**
 * Runs programs as the user who owns the database. PostgreSQL refuses to run as root, so root runs it as an account
 * (`database-account.ts`); every other user runs it as themselves.
 */
import { execFile } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface ServerUser {
	readonly uid: number;
	readonly gid: number;
}

/** The user that root's server had in the first version: `nobody`, which other programs share. */
export const FIRST_VERSION_USER: ServerUser = { uid: 65534, gid: 65534 };

/**
 * The environment of every child process: nothing from ours, which may contain passwords of keys, and in which `PG*`
 * variables would change what the server does.
 */
export const SCRUBBED_ENV: NodeJS.ProcessEnv = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/**
 * Whether `user` may enter every folder from / down to `folder` (which exists). Looks at the permission bits: a folder
 * that only an access control list opens counts as closed.
 */
export async function canEnter(folder: string, user: ServerUser): Promise<boolean> {
	for (let at = await realpath(folder); ; at = dirname(at)) {
		const { uid, gid, mode } = await stat(at);
		const enter = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
		if ((mode & enter) === 0) return false;
		if (at === dirname(at)) return true;
	}
}

export interface ChildResult {
	/** Exit code, or undefined when the program could not be run or was killed. */
	readonly code: number | undefined;
	/** What it printed, stdout before stderr, limited to the last 4000 characters. */
	readonly said: string;
}

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const MAX_SAID_CHARS = 4000;

/** Runs a program to its end as `user`, with a clean environment and without a shell. Never throws. */
export function runAs(
	user: ServerUser | undefined,
	program: string,
	args: readonly string[],
	timeoutMs: number,
): Promise<ChildResult> {
	return new Promise((resolve) => {
		const options = {
			uid: user?.uid,
			gid: user?.gid,
			cwd: '/',
			env: SCRUBBED_ENV,
			timeout: timeoutMs,
			maxBuffer: MAX_OUTPUT_BYTES,
		};
		execFile(program, args, options, (error, stdout, stderr) => {
			const code = error === null ? 0 : typeof error.code === 'number' ? error.code : undefined;
			const why = error !== null && code === undefined ? `\n${error.message}` : '';
			resolve({ code, said: `${stdout}${stderr}${why}`.trim().slice(-MAX_SAID_CHARS) });
		});
	});
}
