/** A Debian machine that systemd has booted, in a container without a network. What is done on it stays until it is removed. */
import { join } from 'node:path';
import { type Engine, type Ran, runWithin } from '../containers/engine.ts';
import { provideImages } from '../containers/stand-in-images.ts';
import { until } from '../kubernetes/started-program.ts';

const IMAGE = 'chancery-test-debian';
const BOOT_WITHIN_MS = 180_000;
const RUN_WITHIN_MS = 600_000;
/** What systemd needs beside the rights of a container: mounts and namespaces. */
const RIGHTS = ['--cap-add', 'SYS_ADMIN', '--cap-add', 'NET_ADMIN', '--cap-add', 'SYS_PTRACE'];
const UNCONFINED = ['seccomp', 'apparmor', 'systempaths'].flatMap((what) => ['--security-opt', `${what}=unconfined`]);

export interface DebianMachine {
	/** Runs lines in a shell as root, in the home of root: it ends at the first that fails. */
	run(script: string, env?: Readonly<Record<string, string>>): Promise<Ran>;
	/** @throws {Error} with what was said, when a line fails. @returns standard output */
	must(script: string, env?: Readonly<Record<string, string>>): Promise<string>;
	/** Copies a file or a folder of this machine to `path` there, with root as its owner. */
	put(file: string, path: string): Promise<void>;
	/** Shuts it down and boots it again. */
	restart(): Promise<void>;
	remove(): Promise<void>;
}

/** @param names host names that are this machine itself */
export async function bootDebian(engine: Engine, names: readonly string[]): Promise<DebianMachine> {
	await provideImages(engine);
	const recipe = ['--file', join(import.meta.dirname, 'debian.Dockerfile'), '--tag', IMAGE];
	await engine.docker(['build', '--network', 'host', ...recipe, import.meta.dirname], {
		env: { DOCKER_BUILDKIT: '0' },
	});
	const alone = [
		'--network',
		'none',
		'--cgroupns',
		'private',
		...names.flatMap((name) => ['--add-host', `${name}:127.0.0.1`]),
	];
	const folders = ['--tmpfs', '/run', '--tmpfs', '/tmp:exec'];
	const id = (await engine.docker(['run', '--detach', ...RIGHTS, ...UNCONFINED, ...alone, ...folders, IMAGE])).trim();
	const run: DebianMachine['run'] = (script, env = {}) => {
		const given = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
		const shell = ['bash', '--noprofile', '--norc', '-c', `set -euo pipefail\n${script}`];
		const args = ['exec', '--workdir', '/root', ...given, id, ...shell];
		return runWithin('docker', args, { env: engine.env, withinMs: RUN_WITHIN_MS });
	};
	const must: DebianMachine['must'] = async (script, env) => {
		const { code, stdout, stderr } = await run(script, env);
		if (code !== 0) throw new Error(`${script}\n${code ?? 'took too long'}: ${`${stdout}${stderr}`.slice(-6000)}`);
		return stdout;
	};
	const booted = () =>
		until(
			'a boot',
			BOOT_WITHIN_MS,
			async () => (await run('systemctl is-system-running')).stdout.trim() === 'running',
			async () => (await run('systemctl --failed; systemctl list-jobs')).stdout,
		);
	const remove = () => engine.docker(['rm', '--force', '--volumes', id]).then(() => undefined);
	try {
		await booted();
	} catch (error) {
		const said = await engine.docker(['logs', id]);
		await remove();
		throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
	}
	return {
		run,
		must,
		put: async (file, path) => {
			await engine.docker(['cp', file, `${id}:${path}`]);
			await must(`chown -R root:root '${path}'`);
		},
		restart: async () => {
			await engine.docker(['restart', '--time', '120', id]);
			await booted();
		},
		remove,
	};
}
