/**
 * What the tests of the embedded server need: temporary data folders, and supervisors in processes of their own.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { EmbeddedOptions } from '../src/embedded/embedded.ts';
import { processIdentity } from '../src/embedded/process-identity.ts';
import { openDatabase } from '../src/pool.ts';
import type { SqlValue } from '../src/sql.ts';

export const IS_ROOT = process.geteuid?.() === 0;

/** A folder that is removed after the test. Others may enter it: for root, the server runs as another user. */
export async function makeFolder(cleanUps: (() => Promise<unknown>)[]): Promise<string> {
	const folder = await mkdtemp('/tmp/chancery-embedded-');
	await chmod(folder, 0o711);
	cleanUps.push(() => rm(folder, { recursive: true, force: true }));
	return folder;
}

export interface Held {
	readonly child: ChildProcess;
	/** Process number of the supervisor. */
	readonly supervisor: number;
	readonly ended: Promise<unknown>;
	/** What it printed: the server, or the error. */
	readonly said: {
		readonly pid: number;
		readonly runtimeDir: string;
		readonly cluster: string;
		readonly url: string;
		readonly error?: string;
		readonly message?: string;
	};
	tell(what: 'stop' | 'crash'): void;
}

const NODE = process.execPath;

/** Runs `startEmbedded` in another process, as another user if `spawnOptions` say so, and waits for its output. */
export async function holdServer(options: EmbeddedOptions, spawnOptions: SpawnOptions = {}): Promise<Held> {
	const script = join(import.meta.dirname, 'hold-server.ts');
	const child = spawn(NODE, [script, JSON.stringify({ unsafeNoSync: true, ...options })], {
		cwd: '/',
		...spawnOptions,
		stdio: ['pipe', 'pipe', 'ignore'],
	});
	const ended = new Promise((resolve) => child.once('exit', resolve));
	if (child.stdout === null || child.pid === undefined) throw new Error('the supervisor did not start');
	for await (const line of createInterface(child.stdout)) {
		const tell = (what: string) => child.stdin?.write(`${what}\n`);
		return { child, supervisor: child.pid, ended, said: JSON.parse(line), tell };
	}
	throw new Error('the supervisor said nothing');
}

/** One statement on a pool of its own. */
export async function ask<Row extends object>(
	url: string,
	statement: string,
	values?: readonly SqlValue[],
): Promise<Row[]> {
	const database = openDatabase({ url, applicationName: 'embedded-test', maxConnections: 1 });
	try {
		return await database.query<Row>(statement, values);
	} finally {
		await database.close();
	}
}

/** False also for a process that has ended and that its parent has not awaited yet. */
export async function isRunning(pid: number): Promise<boolean> {
	return (await processIdentity(pid)) !== undefined;
}
