/**
 * Docker for the tests: the engine that answers here, or one that is started for them. Compose comes from the table of
 * peers, as the plugin of a settings folder of its own.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProgram, until } from '../kubernetes/started-program.ts';

export const CHECKOUT = join(import.meta.dirname, '../../../../..');

const COMMAND_WITHIN_MS = 1_500_000;
const START_WITHIN_MS = 60_000;
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;
/** Kept, because making or pulling the images takes minutes. */
const DATA = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chancery', 'container-engine');

export interface Ran {
	/** Null when the time was up. */
	readonly code: number | null;
	readonly stdout: string;
	readonly stderr: string;
}

export interface RunOptions {
	readonly folder?: string;
	readonly env?: NodeJS.ProcessEnv;
	readonly withinMs?: number;
}

export interface Engine {
	/** Environment in which `docker` and `docker compose` reach it. */
	readonly env: NodeJS.ProcessEnv;
	/** @throws {Error} with what it said, when it fails. @returns standard output */
	docker(args: readonly string[], options?: RunOptions): Promise<string>;
	end(): Promise<void>;
}

export function runWithin(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
	const { folder, env = {}, withinMs = COMMAND_WITHIN_MS } = options;
	const settings = {
		cwd: folder,
		env: { ...process.env, ...env },
		timeout: withinMs,
		killSignal: 'SIGKILL' as const,
		maxBuffer: MAX_OUTPUT_BYTES,
	};
	return new Promise((resolve) => {
		const child = execFile(program, args, settings, (_error, stdout, stderr) =>
			resolve({ code: child.exitCode, stdout, stderr }),
		);
	});
}

/** @param compose path of the program of Compose. @throws {Error} that says what is missing */
export async function openEngine(compose: string): Promise<Engine> {
	await using stack = new AsyncDisposableStack();
	const folder = await mkdtemp(join(tmpdir(), 'chancery-engine-'));
	stack.defer(() => rm(folder, { recursive: true, force: true }));
	await mkdir(join(folder, 'config/cli-plugins'), { recursive: true });
	await symlink(compose, join(folder, 'config/cli-plugins/docker-compose'));
	const settings = { DOCKER_CONFIG: join(folder, 'config'), DOCKER_CLI_HINTS: 'false' };
	const answers = async (env: NodeJS.ProcessEnv) =>
		(await runWithin('docker', ['version'], { env, withinMs: 10_000 })).code === 0;
	let env: NodeJS.ProcessEnv = settings;
	if (!(await answers(env))) {
		if (process.env.DOCKER_HOST) throw new Error(`no engine answers at DOCKER_HOST, ${process.env.DOCKER_HOST}`);
		const started = await startEngine(folder, answers, settings);
		stack.defer(() => started.end());
		env = started.env;
	}
	const opened = stack.move();
	return {
		env,
		docker: async (args, options = {}) => {
			const { code, stdout, stderr } = await runWithin('docker', args, { ...options, env: { ...env, ...options.env } });
			if (code !== 0)
				throw new Error(`docker ${args.join(' ')}: ${code ?? 'took too long'}\n${`${stdout}${stderr}`.slice(-4000)}`);
			return stdout;
		},
		end: () => opened.disposeAsync(),
	};
}

/** Without a default network: images are built in the network of this machine, and projects bring their own. */
async function startEngine(
	folder: string,
	answers: (env: NodeJS.ProcessEnv) => Promise<boolean>,
	settings: NodeJS.ProcessEnv,
): Promise<{ env: NodeJS.ProcessEnv; end(): Promise<void> }> {
	if (process.getuid?.() !== 0)
		throw new Error(
			'these tests need Docker: start it, or name one in DOCKER_HOST, or run them as root to have one started',
		);
	await mkdir(DATA, { recursive: true, mode: 0o711 });
	const env = { ...settings, DOCKER_HOST: `unix://${join(folder, 'socket')}` };
	const places = ['--data-root', DATA, '--exec-root', join(folder, 'exec'), '--pidfile', join(folder, 'pid')];
	const networks = ['--bridge', 'none', '--default-address-pool', 'base=10.91.0.0/16,size=24'];
	const daemon = startProgram(
		'dockerd',
		['dockerd', ...places, ...networks, '--host', env.DOCKER_HOST],
		join(folder, 'dockerd.log'),
	);
	try {
		await until(
			'a start of dockerd',
			START_WITHIN_MS,
			() => answers(env),
			() => daemon.tail(),
		);
	} catch (error) {
		await daemon.end();
		throw error;
	}
	return {
		env,
		end: async () => {
			await daemon.end();
			// The engine leaves its view of the network mounted, which nothing can be removed around.
			await runWithin('umount', [join(folder, 'exec/netns/default')]);
		},
	};
}

/** One line of `tar -tv` for each file of the image: mode, owner by number, size, time, name. */
export async function filesOf(engine: Engine, image: string, folder: string): Promise<readonly string[]> {
	const id = (await engine.docker(['create', image])).trim();
	try {
		const archive = join(folder, 'image.tar');
		await engine.docker(['export', '--output', archive, id]);
		const { code, stdout, stderr } = await runWithin('tar', ['-tvf', archive, '--numeric-owner']);
		if (code !== 0) throw new Error(stderr);
		return stdout.trimEnd().split('\n');
	} finally {
		await engine.docker(['rm', id]);
	}
}
