/**
 * Telling processes apart. A process number alone proves nothing: after a restart of the machine or of a container
 * the same small numbers belong to other programs.
 */
import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';

const POLL_MS = 15;

/**
 * A text that no other process has ever had, or undefined when no process of this number runs (a zombie does not).
 * Linux: boot id and start time in ticks (proc_pid_stat(5), field 22). Elsewhere: what `ps` says of the start.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
	if (process.platform !== 'linux') return (await ps(pid, 'lstart=')) || undefined;
	const text = await readProc(`/proc/${pid}/stat`);
	// Field 2 is the program's name in parentheses and may hold anything; the last one closes it.
	const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
	if (fields === undefined || fields[0] === 'Z' || fields[0] === 'X') return undefined;
	const boot = await readProc('/proc/sys/kernel/random/boot_id');
	return `${boot?.trim()}:${fields[19]}`;
}

/** Whether process `pid` is a PostgreSQL server whose data is in `cluster` (a real path). */
export async function isPostgresOf(pid: number, cluster: string): Promise<boolean> {
	if (process.platform !== 'linux') {
		const command = await ps(pid, 'command=');
		return /\bpostgres\b/.test(command) && command.includes(cluster);
	}
	// The server makes its data folder its working directory; its program may have been replaced on disk since.
	const [cwd, exe] = await Promise.all([readLink(`/proc/${pid}/cwd`), readLink(`/proc/${pid}/exe`)]);
	return cwd === cluster && basename((exe ?? '').replace(/ \(deleted\)$/, '')) === 'postgres';
}

/** Every process of a server of `cluster`, the helpers included. Empty where the system has no /proc. */
export async function processesOf(cluster: string): Promise<number[]> {
	if (process.platform !== 'linux') return [];
	const pids = (await readdir('/proc')).map(Number).filter((pid) => Number.isSafeInteger(pid) && pid > 1);
	const ours: number[] = [];
	for (const pid of pids) if (await isPostgresOf(pid, cluster)) ours.push(pid);
	return ours;
}

/** Waits until `isGone` says so; false when that takes longer than `timeoutMs`. */
export async function waitUntil(isGone: () => Promise<boolean> | boolean, timeoutMs: number): Promise<boolean> {
	const deadline = performance.now() + timeoutMs;
	while (!(await isGone())) {
		if (performance.now() > deadline) return false;
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
	return true;
}

/** Signals a process that may have gone meanwhile. */
export function signal(pid: number, name: NodeJS.Signals): void {
	try {
		process.kill(pid, name);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
	}
}

async function ps(pid: number, column: string): Promise<string> {
	try {
		const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', column, '-p', String(pid)]);
		return stdout.trim();
	} catch {
		// `ps` exits with 1 when there is no such process.
		return '';
	}
}

/** Processes end while one looks at them, and those of others are none of ours: both read as absent. */
async function readProc(path: string): Promise<string | undefined> {
	return readFile(path, 'utf8').catch(() => undefined);
}

async function readLink(path: string): Promise<string | undefined> {
	return readlink(path).catch(() => undefined);
}
