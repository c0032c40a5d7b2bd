/**
 * Go modules that are not installed by name: programs built from a copy of one, from the registry or from a folder of the
 * machine, and files taken out of one.
 */
import { chmod, copyFile, cp, readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type InstalledSource, nameInRegistry } from './peer-table.ts';

/** Runs a program in a folder, and returns what it printed. */
type Run = (program: string, args: readonly string[], env?: NodeJS.ProcessEnv, folder?: string) => Promise<string>;

/** A workspace file beside the module, or cgo, would build something else than what is published. */
const BUILD_ENVIRONMENT = { GOWORK: 'off', GOFLAGS: '-mod=mod -p=2', CGO_ENABLED: '0' };

/** Builds the commands of a source below `folder`. A crash leaves the copy, and the caller begins anew. */
export async function buildFromCopy(source: InstalledSource, folder: string, run: Run): Promise<void> {
	const copy = join(folder, 'source');
	await cp(source.source ? sourceFolder(source, source.source) : await download(source, run), copy, {
		recursive: true,
	});
	await makeWritable(copy);
	await rm(join(copy, 'go.work'), { force: true });
	for (const name of source.staged ? await stagedModules(copy) : [])
		await run('go', ['mod', 'edit', '-replace', `${name}=${name}@${source.staged}`], BUILD_ENVIRONMENT, copy);
	const set = Object.entries(source.variables ?? {}).map(([name, value]) => `-X ${name}=${value}`);
	for (const part of source.parts ?? []) {
		const flags = ['-trimpath', `-ldflags=${['-s', '-w', ...set].join(' ')}`];
		await run('go', ['build', ...flags, '-o', join(folder, basename(part)), part], BUILD_ENVIRONMENT, copy);
	}
	await rm(copy, { recursive: true });
}

export async function copyFiles(source: InstalledSource, folder: string, run: Run): Promise<void> {
	const from = await download(source, run);
	for (const part of source.parts ?? []) await copyFile(join(from, part), join(folder, basename(part)));
}

/**
 * @throws {Error} that says how to get the source, when no folder is named
 */
function sourceFolder({ version }: InstalledSource, { variable, repository }: NonNullable<InstalledSource['source']>) {
	const folder = process.env[variable];
	if (folder) return folder;
	const clone = `git clone --branch ${version} ${repository}`;
	throw new Error(`it is built from its source: ${clone}, and name the folder in ${variable}`);
}

async function download(source: InstalledSource, run: Run): Promise<string> {
	const told = JSON.parse(await run('go', ['mod', 'download', '-json', nameInRegistry(source)])) as { Dir: string };
	return told.Dir;
}

/** The cache of Go is read-only, and so is every folder of a copy. */
async function makeWritable(folder: string): Promise<void> {
	await chmod(folder, 0o700);
	await chmod(join(folder, 'go.mod'), 0o600);
	await chmod(join(folder, 'go.sum'), 0o600);
	for (const entry of await readdir(folder, { withFileTypes: true, recursive: true }))
		if (entry.isDirectory()) await chmod(join(entry.parentPath, entry.name), 0o700);
}

async function stagedModules(copy: string): Promise<string[]> {
	const text = await readFile(join(copy, 'go.mod'), 'utf8');
	return [...new Set([...text.matchAll(/^\t(\S+) v0\.0\.0(?: |$)/gm)].map(([, name]) => name!))];
}
