/** A program of somebody else that a test starts, with its output in a file, and ends by its process group. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

export interface StartedProgram {
	readonly name: string;
	readonly pid: number;
	/** The last lines that it wrote. */
	tail(): Promise<string>;
	/** SIGTERM, and SIGKILL after ten seconds. */
	end(): Promise<void>;
}

const END_WITHIN_MS = 10_000;
const TAIL_CHARS = 3_000;

export function startProgram(
	name: string,
	command: readonly string[],
	logFile: string,
	env: NodeJS.ProcessEnv = {},
): StartedProgram {
	const [program = '', ...args] = command;
	const output = openSync(logFile, 'a', 0o600);
	// A group of its own: containerd's shims and the like are not in it, and outlive what started them.
	const child = spawn(program, args, {
		stdio: ['ignore', output, output],
		detached: true,
		env: { ...process.env, ...env },
	});
	closeSync(output);
	const ended = new Promise<void>((resolve) => {
		child.once('exit', () => resolve());
		child.once('error', () => resolve());
	});
	const hasEnded = () => child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
	return {
		name,
		pid: child.pid ?? 0,
		tail: async () => (await readFile(logFile, 'utf8')).slice(-TAIL_CHARS),
		end: async () => {
			if (hasEnded()) return;
			child.kill('SIGTERM');
			await Promise.race([ended, sleep(END_WITHIN_MS, undefined, { ref: false })]);
			if (!hasEnded()) {
				child.kill('SIGKILL');
				await Promise.race([once(child, 'exit'), sleep(END_WITHIN_MS, undefined, { ref: false })]);
			}
		},
	};
}

/**
 * Asks until `probe` says true.
 * @throws {Error} after `withinMs`, with what `describe` says then
 */
export async function until(
	what: string,
	withinMs: number,
	probe: () => Promise<boolean>,
	describe: () => Promise<string> = async () => '',
): Promise<void> {
	const deadlineMs = performance.now() + withinMs;
	while (!(await probe().catch(() => false))) {
		if (performance.now() > deadlineMs)
			throw new Error(`${what} did not happen within ${withinMs} ms\n${await describe()}`);
		await sleep(100);
	}
}
