/**
 * The server's main process: starts it, detects when it answers, ends it, and ends one that a killed run left.
 */
import { spawn } from 'node:child_process';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { sqlState } from '../pg-errors.ts';
import { readAccountFile } from './account-folder.ts';
import type { Binaries } from './binaries.ts';
import { type AccessRules, SUPERUSER } from './cluster.ts';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { postgresProcesses, processIdentity, signal, waitUntil } from './process-identity.ts';
import { SOCKET_PORT } from './runtime-dir.ts';
import type { ServerLog } from './server-log.ts';
import { SCRUBBED_ENV, type ServerUser } from './server-user.ts';

export interface PostmasterInput {
	readonly binaries: Binaries;
	readonly cluster: string;
	readonly runtimeDir: string;
	readonly rules: AccessRules;
	readonly user: ServerUser | undefined;
	readonly log: ServerLog;
	readonly unsafeNoSync: boolean;
	/** When aborted, the start is given up and the process ended. */
	readonly signal?: AbortSignal;
}

export interface Postmaster {
	readonly pid: number;
	/** Settles when the process has ended for any reason; says the exit code or signal. */
	readonly ended: Promise<string>;
}

/** A clean stop writes a checkpoint. If that takes longer, the server is killed, and the next start replays the log. */
const FAST_STOP_MS = 3_000;
const IMMEDIATE_STOP_MS = 1_500;
const KILL_MS = 2_000;

/** Helper processes without their main process: how long to wait, and which signal to send then. */
const ORPHAN_STEPS: readonly (readonly [timeoutMs: number, name: NodeJS.Signals])[] = [
	[300, 'SIGQUIT'],
	[1_500, 'SIGKILL'],
];

/** Long, because after a crash the server first replays its log; it ends by itself when it cannot. */
const START_MS = 300_000;
const CONNECT_MS = 2_000;
const MAX_PID_BYTES = 16;

/** Settings on the command line: the cluster's own files cannot weaken these. */
function pinnedSettings({ runtimeDir, rules, unsafeNoSync }: PostmasterInput): Record<string, string> {
	const sync = unsafeNoSync ? 'off' : 'on';
	return {
		listen_addresses: '',
		unix_socket_directories: runtimeDir,
		unix_socket_permissions: '0700',
		port: String(SOCKET_PORT),
		hba_file: rules.hbaFile,
		ident_file: rules.identFile,
		fsync: sync,
		full_page_writes: sync,
		synchronous_commit: 'on',
		logging_collector: 'off',
		log_destination: 'stderr',
		log_timezone: 'UTC',
		timezone: 'UTC',
	};
}

/**
 * Starts the server and waits until it answers.
 * @throws {EmbeddedPostgresError} `start-failed` with the last lines of its log.
 */
export async function startPostmaster(input: PostmasterInput): Promise<Postmaster> {
	const args = ['-D', input.cluster];
	for (const [name, value] of Object.entries(pinnedSettings(input))) args.push('-c', `${name}=${value}`);
	const child = spawn(join(input.binaries.binDir, 'postgres'), args, {
		uid: input.user?.uid,
		gid: input.user?.gid,
		cwd: '/',
		env: SCRUBBED_ENV,
		stdio: ['ignore', input.log.fd, input.log.fd],
		// A session of its own: Ctrl-C in a terminal reaches only us, and we stop the database last.
		detached: true,
	});
	// When our process ends without a stop, for example by an uncaught error, it also ends the server, even one that is just
	// starting. After a SIGKILL it cannot; then the next start finds the leftover. The handle knows when the process has
	// ended: afterwards its number may belong to another program.
	const endWithUs = () => child.kill('SIGINT');
	process.once('exit', endWithUs);
	let end: string | undefined;
	const ended = new Promise<string>((resolve) => {
		const settle = (how: string) => {
			process.removeListener('exit', endWithUs);
			end ??= how;
			resolve(end);
		};
		child.once('error', (error) => settle(error.message));
		child.once('exit', (code, name) => settle(name === null ? `exit code ${code}` : `signal ${name}`));
	});
	child.unref();
	const hasEnded = () => end !== undefined;
	const isOver = () => hasEnded() || input.signal?.aborted === true;
	try {
		if ((await waitForAnswer(input.runtimeDir, isOver)) && child.pid !== undefined) return { pid: child.pid, ended };
		const how = end ?? `no answer within ${START_MS / 1000} s`;
		const words = `PostgreSQL did not start (${how}). Its last words:\n${await input.log.tail()}`;
		throw new EmbeddedPostgresError('start-failed', words);
	} catch (error) {
		if (child.pid !== undefined) await endProcess(child.pid, hasEnded);
		throw error;
	}
}

/** Fast shutdown (open transactions are rolled back), with a time limit; then harder ways. All keep committed data. */
export async function stopPostmaster({ pid, ended }: Postmaster): Promise<void> {
	let gone = false;
	void ended.then(() => {
		gone = true;
	});
	// Lets the event loop see the end of a process that ended before this call: its number must not be signalled any more.
	await Promise.race([ended, Promise.resolve()]);
	await endProcess(pid, () => gone);
}

/**
 * Ends any server of `cluster` that a killed run left, also helper processes whose main process was killed, and removes
 * a stale `postmaster.pid`. A process of another program that happens to have the recorded number is not touched.
 * @param cluster real path.
 */
export async function stopLeftover(cluster: string, log: (message: string) => void): Promise<void> {
	const path = join(cluster, 'postmaster.pid');
	const text = await readAccountFile(path, MAX_PID_BYTES);
	const pid = Number(/^\d{1,10}/.exec(text ?? '')?.[0]);
	if ((await postgresProcesses(cluster)).includes(pid)) {
		log(`stopping the database server that an earlier run left behind (process ${pid})`);
		const identity = await processIdentity(pid);
		await endProcess(pid, async () => (await processIdentity(pid)) !== identity);
	}
	// Helper processes notice by themselves that their main process is gone, unless they are busy.
	const isEmpty = async () => (await postgresProcesses(cluster)).length === 0;
	for (const [timeoutMs, name] of ORPHAN_STEPS) {
		if (await waitUntil(isEmpty, timeoutMs)) break;
		for (const orphan of await postgresProcesses(cluster)) signal(orphan, name);
	}
	if (!(await waitUntil(isEmpty, KILL_MS)))
		throw new EmbeddedPostgresError('stop-failed', `processes of the database in ${cluster} do not end`);
	// The server would think that the recorded process is a server, if any program of the same user has its number now.
	// This removes only the name; if it is a link, its target stays.
	await unlink(path).catch(() => undefined);
}

async function endProcess(pid: number, isGone: () => Promise<boolean> | boolean): Promise<void> {
	const steps: readonly (readonly [NodeJS.Signals, number])[] = [
		['SIGINT', FAST_STOP_MS],
		['SIGQUIT', IMMEDIATE_STOP_MS],
		['SIGKILL', KILL_MS],
	];
	for (const [name, timeoutMs] of steps) {
		if (await isGone()) return;
		signal(pid, name);
		if (await waitUntil(isGone, timeoutMs)) return;
	}
	throw new EmbeddedPostgresError('stop-failed', `the database server (process ${pid}) does not end`);
}

async function waitForAnswer(runtimeDir: string, isOver: () => boolean): Promise<boolean> {
	let answers = false;
	const decided = await waitUntil(async () => {
		if (isOver()) return true;
		answers = await isAnswering(runtimeDir);
		return answers;
	}, START_MS);
	return decided && answers;
}

/** One connection. False while there is no socket yet, or the server says that it is starting up (57P03). */
async function isAnswering(runtimeDir: string): Promise<boolean> {
	const client = new pg.Client({
		host: runtimeDir,
		port: SOCKET_PORT,
		user: SUPERUSER,
		database: 'postgres',
		ssl: false,
		connectionTimeoutMillis: CONNECT_MS,
	});
	client.on('error', () => undefined);
	try {
		await client.connect();
		return true;
	} catch (error) {
		const state = sqlState(error);
		if (state === undefined || state === '57P03') return false;
		throw new EmbeddedPostgresError('start-failed', 'the database server started and refuses its own supervisor', {
			cause: error,
		});
	} finally {
		await client.end();
	}
}
