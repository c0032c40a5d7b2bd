/** The log process from outside: started, waited for, killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessPlan } from './process-plan.ts';

export interface LogServer {
	readonly pid: number;
	/** Settles when all listeners answer (true), or the process ended before (false). */
	readonly ready: Promise<boolean>;
	/** Settles with the exit in words; `lastWords` is what it wrote to standard error. */
	readonly ended: Promise<string>;
	readonly lastWords: () => string;
	isRunning(): boolean;
	/** SIGKILL; resolves when the process is gone. */
	kill(): Promise<void>;
	/** Any other signal, SIGSTOP for example. */
	signal(name: NodeJS.Signals): void;
}

const PROGRAM = join(import.meta.dirname, 'log-process.ts');
const KEPT_CHARS = 8_000;

export async function startLogServer(
	plan: ProcessPlan,
	folder: string,
	env: NodeJS.ProcessEnv = {},
): Promise<LogServer> {
	const path = join(folder, `${plan.name}.json`);
	await writeFile(path, JSON.stringify(plan));
	const child: ChildProcess = spawn(process.execPath, [PROGRAM, path], {
		// It ends with the test: what holds the other end of its input is gone then, however that came.
		stdio: ['pipe', 'pipe', 'pipe'],
		// A thousand starts need not compile the same sources a thousand times.
		env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: join(folder, 'compile-cache'), ...env },
	});
	if (child.pid === undefined) throw new Error('the log process could not be started');
	let words = '';
	child.stderr?.on('data', (chunk: Buffer) => {
		words = (words + chunk).slice(-KEPT_CHARS);
	});
	let running = true;
	const ended = new Promise<string>((resolve) => {
		child.once('exit', (code, name) => {
			running = false;
			resolve(name === null ? `exit code ${code}` : `signal ${name}`);
		});
	});
	const ready = new Promise<boolean>((resolve) => {
		child.stdout?.on('data', (chunk: Buffer) => {
			if (chunk.includes('ready')) resolve(true);
		});
		void ended.then(() => resolve(false));
	});
	return {
		pid: child.pid,
		ready,
		ended,
		lastWords: () => words,
		isRunning: () => running,
		kill: async () => {
			if (running) child.kill('SIGKILL');
			await ended;
		},
		signal: (name) => {
			if (running) child.kill(name);
		},
	};
}
