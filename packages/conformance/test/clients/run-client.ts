/** Runs a client as a program in a home of its own, so that it finds neither settings nor trust of this machine. */
import { execFile } from 'node:child_process';

const RUN_WITHIN_MS = 60_000;

export interface Ran {
	readonly code: number;
	/** Both outputs, on one line: some clients break lines at the width of a terminal. */
	readonly said: string;
	readonly stdout: string;
}

export function runClient(
	program: string,
	args: readonly string[],
	home: string,
	env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
	const options = {
		timeout: RUN_WITHIN_MS,
		cwd: home,
		// Nothing else is passed on: a CI's own variables would make clients look for its identity tokens.
		env: { PATH: process.env.PATH ?? '', HOME: home, COLUMNS: '1000', NO_COLOR: '1', ...env },
	};
	return new Promise((resolve, reject) => {
		execFile(program, args, options, (error, stdout, stderr) => {
			if (error !== null && typeof error.code !== 'number') return reject(error);
			const code = error === null ? 0 : Number(error.code);
			resolve({ code, stdout, said: `${stdout}\n${stderr}`.replaceAll(/\s+/g, ' ').trim() });
		});
	});
}

/** The same for a step that must succeed. */
export async function mustRun(...args: Parameters<typeof runClient>): Promise<Ran> {
	const ran = await runClient(...args);
	if (ran.code !== 0) throw new Error(`${args[0]} ${args[1][0]} ended with ${ran.code}: ${ran.said}`);
	return ran;
}
