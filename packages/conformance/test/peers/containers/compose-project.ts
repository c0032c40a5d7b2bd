/** The Compose file as a user starts it: in a folder of its own, with the ports that it names. */
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { CHECKOUT, type Engine, type Ran, runWithin } from './engine.ts';

const UP_WITHIN_MS = 400_000;
const PASTE_WITHIN_MS = 300_000;

export interface ComposeProject {
	/** Where its files are, and where a user pastes what is printed. */
	readonly folder: string;
	compose(...args: string[]): Promise<string>;
	/** Runs a command of the page, with its containers in the background and the images that there are. */
	start(command: string): Promise<void>;
	/** Starts all, and returns what the self-test printed after it ended with 0. */
	up(): Promise<string>;
	/** Runs lines in one shell, as a user who pastes them: it ends at the first that fails. */
	paste(lines: readonly string[], programs?: readonly string[]): Promise<Ran>;
	/** Ends and removes everything, volumes too. */
	remove(): Promise<void>;
}

interface Listed {
	readonly Service: string;
	readonly State: string;
	readonly Health: string;
	readonly ExitCode: number;
	readonly ID: string;
}

/** Containers by service, also those that ended. */
export async function containersOf(project: ComposeProject): Promise<ReadonlyMap<string, Listed>> {
	const lines = (await project.compose('ps', '--all', '--format', 'json')).trim().split('\n');
	return new Map(
		lines
			.filter(Boolean)
			.map((line) => JSON.parse(line) as Listed)
			.map((it) => [it.Service, it]),
	);
}

/** @param up the command with which a user starts it */
export async function openProject(engine: Engine, up: string): Promise<ComposeProject> {
	const folder = await mkdtemp(join(tmpdir(), 'chancery-compose-'));
	for (const name of ['docker-compose.yml', 'README.md', 'deploy/compose']) {
		await mkdir(dirname(join(folder, name)), { recursive: true });
		await cp(join(CHECKOUT, name), join(folder, name), { recursive: true });
	}
	// Where the printed commands find ours.
	await symlink(join(CHECKOUT, 'packages'), join(folder, 'packages'));
	const compose = (...args: string[]) => engine.docker(['compose', ...args], { folder, withinMs: UP_WITHIN_MS });
	const start = async (command: string) => {
		const args = ['--noprofile', '--norc', '-c', `${command} --detach --no-build --pull never`];
		const { code, stdout, stderr } = await runWithin('bash', args, { folder, env: engine.env, withinMs: UP_WITHIN_MS });
		if (code !== 0) throw new Error(`${command}: ${code ?? 'took too long'}\n${`${stdout}${stderr}`.slice(-4000)}`);
	};
	return {
		folder,
		compose,
		start,
		up: async () => {
			await start(up);
			// `up` waits for what others depend on, and nothing depends on the last one.
			const ended = await compose('wait', 'self-test').catch((error: Error) => error.message);
			const said = await compose('logs', '--no-log-prefix', 'self-test');
			if (!/status code 0$/.test(ended.trim()))
				throw new Error(`the self-test ended with ${ended}\n${said}\n${await tailOf(compose)}`);
			return said;
		},
		paste: async (lines, programs = []) => {
			const path = [...programs, dirname(process.execPath), process.env.PATH].join(delimiter);
			const env = { ...engine.env, PATH: path, HOME: join(folder, 'home'), NO_COLOR: '1' };
			await mkdir(env.HOME, { recursive: true });
			const script = ['set -euo pipefail', ...lines].join('\n');
			return runWithin('bash', ['--noprofile', '--norc', '-c', script], { folder, env, withinMs: PASTE_WITHIN_MS });
		},
		remove: async () => {
			await compose('--profile', '*', 'down', '--volumes', '--timeout', '15').finally(() =>
				rm(folder, { recursive: true, force: true }),
			);
		},
	};
}

const tailOf = async (compose: ComposeProject['compose']) => (await compose('logs', '--tail', '15')).slice(-12_000);

/** The lines of one part of what is printed: below a heading, indented, up to the next empty line. */
export function linesBelow(said: string, heading: string): string[] {
	const [, below = ''] = said.split(new RegExp(`^${heading}[^\\n]*\\n`, 'm'));
	const [part = ''] = below.split(/^\s*$/m);
	return part.split('\n').flatMap((line) => (line.startsWith('  ') ? [line.trim()] : []));
}

export const textOf = (project: ComposeProject, name: string): Promise<string> =>
	readFile(join(project.folder, name), 'utf8');
