/**
 * Where a command writes its result. An output never destroys a file that is not a bundle: an existing file is replaced only
 * when it is a bundle, or with --force. A file that the same command reads is never replaced, whatever its names.
 *
 * The output appears complete or not at all: it is written to another name first, synced, then linked or renamed. A crash
 * before that leaves a file `.chancery-*.tmp`, which nothing uses and anybody may delete.
 */
import { randomUUID } from 'node:crypto';
import { type BigIntStats, fstatSync, writeSync } from 'node:fs';
import { access, constants, link, lstat, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseUniqueJson } from '@chancery/core/json';
import { bundleVersion, parseBundle } from '@chancery/wire/bundle';
import { explainFile, FileProblem } from './file-problem.ts';
import type { InputFiles } from './input-files.ts';
import { UsageError } from './usage-error.ts';

export interface OutputRules {
	readonly inputs: InputFiles;
	/** Also replaces a file that is not a bundle. */
	readonly isForced: boolean;
}

type Place =
	| { readonly kind: 'stdout' }
	/** A character device or a pipe: written directly. */
	| { readonly kind: 'special' }
	/** Nothing is there. */
	| { readonly kind: 'new'; readonly path: string }
	/** `found` is the file that may be replaced; undefined for a symbolic link without a target. */
	| { readonly kind: 'replaced'; readonly path: string; readonly found: BigIntStats | undefined };

const STDOUT = 1;
/** Larger than any bundle that a verifier reads. */
const MAX_BUNDLE_BYTES = 64 * 1024 * 1024;
const MAX_ATTEMPTS = 5;

/**
 * Checks that `path` can be written; called before anything is signed.
 * @throws {FileProblem | UsageError} when it cannot; says what is at the path
 */
export async function checkOutput(path: string, rules: OutputRules): Promise<void> {
	await placeOf(path, rules);
}

/** @throws {Error} as `checkOutput` */
export async function writeOutput(path: string, text: string, rules: OutputRules): Promise<void> {
	try {
		for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++)
			if (await writeTo(await placeOf(path, rules), path, text)) return;
	} catch (error) {
		if (error instanceof FileProblem || error instanceof UsageError) throw error;
		throw explainFile(error, `${path} cannot be written`);
	}
	throw new FileProblem(`${path} cannot be written: something else writes there all the time`);
}

/** What is at `path`, when it may be written. */
async function placeOf(path: string, { inputs, isForced }: OutputRules): Promise<Place> {
	if (path === '') throw new UsageError('the path of the output is empty');
	const stdout = fstatSync(STDOUT, { bigint: true });
	const found = path === '-' ? stdout : await existing(path);
	if (found === undefined) {
		await checkFolder(path, path);
		return emptyPlace(path, isForced);
	}
	if (found.isFile() && (await inputs.has(found)))
		throw new FileProblem(
			`${path} is a file that this command reads, under this or another name; it is never replaced: name another output`,
		);
	if (path === '-' || (found.dev === stdout.dev && found.ino === stdout.ino)) return { kind: 'stdout' };
	if (found.isDirectory()) throw new FileProblem(`${path} cannot be written: it is a folder; name a file`);
	if (found.isCharacterDevice() || found.isFIFO()) return { kind: 'special' };
	// Writing to a disk device would destroy its file system; --force cannot mean that.
	if (!found.isFile())
		throw new FileProblem(
			`${path} cannot be written: it is ${found.isBlockDevice() ? 'a disk' : 'a socket'}; name a file, or - for standard output`,
		);
	if (!isForced && !(await isBundle(path, found)))
		throw new FileProblem(
			`${path} exists and is not a bundle, so it is not replaced; name another file, or give --force`,
		);
	const real = await realpath(path);
	await checkFolder(real, path);
	return { kind: 'replaced', path: real, found };
}

/** The output is written beside its final path first. */
async function checkFolder(place: string, path: string): Promise<void> {
	try {
		await access(dirname(place), constants.W_OK);
	} catch (error) {
		throw explainFile(error, `${path} cannot be written, because of its folder ${dirname(place)}`);
	}
}

async function emptyPlace(path: string, isForced: boolean): Promise<Place> {
	const isLink = await lstat(path).then(
		() => true,
		() => false,
	);
	if (!isLink) return { kind: 'new', path };
	if (!isForced)
		throw new FileProblem(
			`${path} is a symbolic link that leads to no file, so it is not replaced; name another file, or give --force`,
		);
	return { kind: 'replaced', path, found: undefined };
}

async function existing(path: string): Promise<BigIntStats | undefined> {
	try {
		return await stat(path, { bigint: true });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw explainFile(error, `${path} cannot be written`);
	}
}

async function isBundle(path: string, found: BigIntStats): Promise<boolean> {
	if (found.size > MAX_BUNDLE_BYTES) return false;
	try {
		return bundleVersion(parseBundle(parseUniqueJson(await readFile(path, 'utf8'))).mediaType) !== undefined;
	} catch {
		// A file that cannot be parsed as a bundle is not a bundle.
		return false;
	}
}

/** False when the path has changed since the check, and must be checked again. */
async function writeTo(place: Place, path: string, text: string): Promise<boolean> {
	switch (place.kind) {
		case 'stdout':
			writeAll(STDOUT, text);
			return true;
		case 'special':
			await writeInto(path, text);
			return true;
		case 'new':
			return writeBeside(place.path, text, undefined, async (temporary) => {
				await placeNew(temporary, place.path);
			});
		case 'replaced':
			return writeBeside(place.path, text, place.found, async (temporary) => {
				const now = place.found && (await stat(place.path, { bigint: true }));
				if (now && (now.ino !== place.found?.ino || now.mtimeNs !== place.found.mtimeNs)) throw new ChangedPlace();
				await rename(temporary, place.path);
			});
	}
}

/** Unlike a rename, a link never replaces a file that appeared in the meantime. Some file systems have no links. */
async function placeNew(temporary: string, path: string): Promise<void> {
	try {
		await link(temporary, path);
	} catch (error) {
		const { code = '' } = error as NodeJS.ErrnoException;
		if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw error;
		if (await existing(path)) throw new ChangedPlace();
		await rename(temporary, path);
	}
}

class ChangedPlace extends Error {
	readonly code = 'EEXIST';
}

async function writeBeside(
	path: string,
	text: string,
	replaced: BigIntStats | undefined,
	move: (temporary: string) => Promise<void>,
): Promise<boolean> {
	const temporary = join(dirname(path), `.chancery-${randomUUID()}.tmp`);
	try {
		{
			// The umask is the user's: it may reduce the mode, also that of the bundle that was there.
			await using file = await open(temporary, 'wx', replaced ? Number(replaced.mode & 0o777n) : 0o666);
			await file.writeFile(text);
			await file.sync();
		}
		await move(temporary);
		return true;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'EEXIST' || (code === 'ENOENT' && replaced)) return false;
		throw error;
	} finally {
		await unlink(temporary).catch(() => undefined);
	}
}

/** Reports a pipe that nobody reads, instead of waiting for a reader. */
async function writeInto(path: string, text: string): Promise<void> {
	const trial = await open(path, constants.O_WRONLY | constants.O_NONBLOCK);
	try {
		await using file = await open(path, constants.O_WRONLY);
		await file.writeFile(text);
	} finally {
		await trial.close();
	}
}

/** Standard output may be a non-blocking pipe that is full. */
function writeAll(fd: number, text: string): void {
	let rest: Uint8Array = Buffer.from(text);
	while (rest.length > 0) {
		try {
			rest = rest.subarray(writeSync(fd, rest));
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
		}
	}
}
