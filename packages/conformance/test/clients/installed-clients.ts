/**
 * Brings every client of the table into the user's cache, once per version and outside of the repository, and starts
 * two instances for them. A client that cannot be had is named as not run; CI with CLIENTS_REQUIRED fails for it.
 * The pages of docs/clients, which tell readers to install the same, find their clients here too.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestProject } from 'vitest/node';
import startInstances from '../judges/instance.ts';
import {
	CLIENT_NAMES,
	CLIENT_SOURCES,
	type ClientName,
	type ClientSource,
	type FoundClient,
	nameInRegistry,
} from './client-versions.ts';

declare module 'vitest' {
	interface ProvidedContext {
		clients: Readonly<Record<ClientName, FoundClient>>;
	}
}

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chancery');
/** Cold, cosign alone compiles for many minutes on two busy cores. */
const INSTALL_WITHIN_MS = 1_800_000;

export default async function startWithClients(project: TestProject): Promise<() => Promise<void>> {
	await provideClients(project);
	return startInstances(project);
}

export async function provideClients(project: TestProject): Promise<void> {
	// One at a time: a Go compiler takes every core that it finds.
	const found: Partial<Record<ClientName, FoundClient>> = {};
	for (const name of CLIENT_NAMES) found[name] = await findClient(name, CLIENT_SOURCES[name]);
	const clients = found as Record<ClientName, FoundClient>;
	const missing = Object.values(clients).flatMap((client) => ('notRun' in client ? [client.notRun] : []));
	for (const words of missing) process.stderr.write(`${words}\n`);
	if (missing.length > 0 && process.env.CI && process.env.CLIENTS_REQUIRED) {
		throw new Error(`clients that are required here could not be had:\n${missing.join('\n')}`);
	}
	project.provide('clients', clients);
}

async function findClient(name: ClientName, source: ClientSource): Promise<FoundClient> {
	try {
		switch (source.from) {
			case 'go':
				return { path: await installed(name, source, (folder) => installGoProgram(source, folder)) };
			case 'pip':
				return { path: await installed(name, source, (folder) => installPythonPackage(source, folder)) };
			case 'npm':
				return { path: await findPackage(source) };
		}
	} catch (error) {
		const words = error instanceof Error ? error.message : String(error);
		return { notRun: `${name} ${source.version}: not run (${words.trim().slice(-500)})` };
	}
}

/** The program in its folder of the cache. The mark is written last: a folder without it is half an installation. */
async function installed(
	name: ClientName,
	source: ClientSource & { program: string },
	install: (folder: string) => Promise<void>,
): Promise<string> {
	const folder = join(CACHE, `${name.replace(' ', '-')}-${source.version}`);
	const mark = join(folder, 'installed');
	const path = join(folder, source.program);
	if (!(await exists(mark))) {
		await rm(folder, { recursive: true, force: true });
		await mkdir(folder, { recursive: true });
		await install(folder);
		await access(path);
		await writeFile(mark, `${source.package} ${source.version}\n`);
	}
	return path;
}

async function installGoProgram(source: ClientSource, folder: string): Promise<void> {
	await run('go', ['install', nameInRegistry(source)], { GOBIN: folder, GOFLAGS: '-p=1' });
}

async function installPythonPackage(source: ClientSource, folder: string): Promise<void> {
	await run('python3', ['-m', 'venv', folder]);
	await run(join(folder, 'bin/pip'), ['install', '--quiet', nameInRegistry(source)]);
}

async function findPackage(source: ClientSource): Promise<string> {
	let folder = dirname(createRequire(import.meta.url).resolve(source.package));
	while (!(await exists(join(folder, 'package.json')))) folder = dirname(folder);
	const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as { version: string };
	if (version !== source.version) throw new Error(`version ${version} is installed`);
	return folder;
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
	// Away from the repository, whose own modules and settings are not meant.
	const options = { timeout: INSTALL_WITHIN_MS, env: { ...process.env, ...env }, cwd: homedir() };
	return new Promise((resolve, reject) => {
		execFile(program, args, options, (error, _stdout, stderr) =>
			error ? reject(new Error(`${program} ${args.join(' ')}: ${error.message} ${stderr}`)) : resolve(),
		);
	});
}

async function exists(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		() => false,
	);
}
