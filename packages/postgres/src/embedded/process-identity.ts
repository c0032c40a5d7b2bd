/**
 * Identifies processes. A process number alone proves nothing: after a restart of the machine or of a container, other
 * programs have the same small numbers.
 */
import { execFile } from 'node:child_process';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { runAs, type ServerUser } from './server-user.ts';

const POLL_MS = 15;
const SHELL_TIMEOUT_MS = 10_000;

/**
 * A text that is unique to this process, or undefined when no process of this number runs (a zombie does not). Linux:
 * boot id and start time in ticks (proc_pid_stat(5), field 22). Elsewhere: the start time that `ps` prints.
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
	if (process.platform !== 'linux') return (await ps(['-o', 'lstart=', '-p', String(pid)])) || undefined;
	const stat = await readStat(pid);
	if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
	const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
	return `${boot.trim()}:${stat.startTicks}`;
}

/**
 * The processes of PostgreSQL servers whose data is in `cluster` (a real path), with their helpers: they run as the owner
 * of the cluster. On a system without /proc, only the main process is found.
 */
export async function postgresProcesses(cluster: string): Promise<number[]> {
	if (process.platform !== 'linux') return postmastersByPs(cluster);
	const user: ServerUser | undefined = await lstat(cluster).catch(() => undefined);
	if (user === undefined) return [];
	const ours: number[] = [];
	const closed: number[] = [];
	for (const name of await readdir('/proc')) {
		if (!/^[1-9]\d*$/.test(name) || (await readStat(Number(name)))?.name !== 'postgres') continue;
		// Any user may give a program this name and a folder of his choice; root only ends processes of the server's user.
		if ((await userOf(name)) !== user.uid) continue;
		// The working directory of the server, and of its helpers, is its data folder.
		const cwd = await readlink(`/proc/${name}/cwd`).catch((error: NodeJS.ErrnoException) => error.code);
		if (cwd === cluster) ours.push(Number(name));
		else if (cwd === 'EACCES' || cwd === 'EPERM') closed.push(Number(name));
	}
	// Root without CAP_SYS_PTRACE, as in most containers, cannot look at another user's process; that user can.
	if (closed.length > 0) ours.push(...(await askAs(user, cluster, closed)));
	return ours;
}

/** All processes that run as this user now, as far as /proc shows them. Other systems show none. */
export async function processesOfUser(uid: number): Promise<number[]> {
	const found: number[] = [];
	for (const name of await readdir('/proc').catch(() => []))
		if (/^[1-9]\d*$/.test(name) && (await userOf(name)) === uid) found.push(Number(name));
	return found;
}

/** The effective user of a process. */
async function userOf(pid: string): Promise<number | undefined> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
	const uid = /^Uid:\t\d+\t(\d+)/m.exec(status)?.[1];
	return uid === undefined ? undefined : Number(uid);
}

async function askAs(user: ServerUser, cluster: string, pids: readonly number[]): Promise<number[]> {
	const script = 'folder=$1; shift; for pid; do [ "/proc/$pid/cwd" -ef "$folder" ] && echo "$pid"; done; exit 0';
	const { said } = await runAs(user, '/bin/sh', ['-c', script, 'sh', cluster, ...pids.map(String)], SHELL_TIMEOUT_MS);
	return said
		.split('\n')
		.map(Number)
		.filter((pid) => pids.includes(pid));
}

async function postmastersByPs(cluster: string): Promise<number[]> {
	const lines = (await ps(['-A', '-o', 'pid=,command='])).split('\n').map((line) => line.trim());
	return lines
		.filter((line) => /\/postgres -D /.test(line) && line.includes(` -D ${cluster} `))
		.map((line) => Number.parseInt(line, 10));
}

/** Waits until `isDone` returns true; returns false when that takes longer than `timeoutMs`. */
export async function waitUntil(isDone: () => Promise<boolean> | boolean, timeoutMs: number): Promise<boolean> {
	const deadline = performance.now() + timeoutMs;
	while (!(await isDone())) {
		if (performance.now() > deadline) return false;
		await new Promise((resolve) => setTimeout(resolve, POLL_MS));
	}
	return true;
}

/** Signals a process; it may have ended in the meantime. */
export function signal(pid: number, name: NodeJS.Signals): void {
	try {
		process.kill(pid, name);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
	}
}

interface Stat {
	readonly name: string;
	readonly state: string;
	readonly startTicks: string;
}

/** Undefined when the process is gone: processes may end while they are being read. */
async function readStat(pid: number): Promise<Stat | undefined> {
	const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
	// Field 2 is the program's name in parentheses, with any characters; the last parenthesis closes it.
	const close = text.lastIndexOf(')');
	const [state, ...rest] = text.slice(close + 2).split(' ');
	const startTicks = rest[18];
	if (close < 0 || state === undefined || startTicks === undefined) return undefined;
	return { name: text.slice(text.indexOf('(') + 1, close), state, startTicks };
}

async function ps(args: readonly string[]): Promise<string> {
	try {
		return (await promisify(execFile)('ps', ['-ww', ...args])).stdout.trim();
	} catch {
		// `ps` exits with 1 when there is no such process.
		return '';
	}
}
