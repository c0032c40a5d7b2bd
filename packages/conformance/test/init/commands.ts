/** The commands of an operator, each a process of its own, with an environment of which nothing is inherited but the path. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export const CHANCERY = join(import.meta.dirname, '../../../cli/bin/chancery');

export interface Ended {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface RunningCommand {
	/** What it has said on stderr so far. */
	said(): string;
	readonly ended: Promise<Ended>;
	kill(signal: NodeJS.Signals): void;
}

export type Environment = Readonly<Record<string, string>>;

export function start(env: Environment, ...args: readonly string[]): RunningCommand {
	const child = spawn(CHANCERY, args, {
		cwd: '/',
		env: { PATH: process.env.PATH ?? '', ...env },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let [stdout, stderr] = ['', ''];
	child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
		stdout += chunk;
	});
	child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
		stderr += chunk;
	});
	const { promise: ended, resolve, reject } = Promise.withResolvers<Ended>();
	child.once('error', reject);
	child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
	return { said: () => stderr, ended, kill: (signal) => void child.kill(signal) };
}

export async function run(env: Environment, ...args: readonly string[]): Promise<Ended> {
	return start(env, ...args).ended;
}

/** Answers what it printed. @throws {Error} with everything that it said, when it ends otherwise than with 0 */
export async function mustRun(env: Environment, ...args: readonly string[]): Promise<string> {
	const { code, signal, stdout, stderr } = await run(env, ...args);
	if (code !== 0) throw new Error(`chancery ${args.join(' ')} ended with ${code ?? signal}\n${stdout}${stderr}`);
	return stdout;
}
