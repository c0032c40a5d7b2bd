/**
 * What a client stores of one TUF repository. It is stored in generations, each a folder with the metadata and targets of
 * one complete, verified update, so that an interrupted update loses nothing.
 *
 *   about.json      which repository this is, for people
 *   7/              a generation; the highest number is the current one
 *   current -> 7    for people and scripts; nothing here reads it
 *   .draft-UUID/    an update in progress
 *
 * An update works on a copy and becomes a generation by one rename. The rename fails when another run was first, so no run
 * replaces a newer generation by an older one: the record of seen versions, which protects against rollback, only grows. A
 * crash before the rename leaves a draft, which is removed an hour later. A crash after it leaves an old generation or
 * link, which the next update removes or renews.
 */
import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './folder.ts';

export interface Generation {
	readonly number: number;
	readonly path: string;
}

/** The file names of tuf-js. Other files, such as those of delegated roles, are fetched again. */
const METADATA = ['root.json', 'timestamp.json', 'snapshot.json', 'targets.json'] as const;
const TARGETS = 'targets';
const DRAFT = /^\.draft-[0-9a-f-]{36}$/;
const GENERATION = /^[1-9][0-9]{0,8}$/;
/** An update takes seconds; an older draft was interrupted. */
const DRAFT_LIVES_MS = 3_600_000;
/** A run that has just read the current generation may still be copying the one before. */
const KEPT_GENERATIONS = 2;

/** The current generation, or undefined when there is none yet. */
export async function newestGeneration(folder: string): Promise<Generation | undefined> {
	const [newest] = (await generationsIn(folder)).toReversed();
	return newest;
}

/** A private copy of `from` (a generation, or a cache of an earlier layout), or an empty one. */
export async function makeDraft(folder: string, from: string | undefined): Promise<string> {
	const draft = join(folder, `.draft-${randomUUID()}`);
	await mkdir(draft, { mode: 0o700 });
	await mkdir(join(draft, TARGETS), { mode: 0o700 });
	if (from !== undefined) {
		for (const name of METADATA) await copyIfThere(join(from, name), join(draft, name));
		for (const name of await namesIn(join(from, TARGETS)))
			await copyIfThere(join(from, TARGETS, name), join(draft, TARGETS, name));
	}
	return draft;
}

/** Removes a draft that is not needed. Only `makeDraft` makes such names. */
export async function dropDraft(draft: string): Promise<void> {
	await rm(draft, { recursive: true, force: true });
}

/** Whether both contain the same files. */
export async function isSameContent(one: string, other: string): Promise<boolean> {
	const names = [...METADATA, ...(await namesIn(join(other, TARGETS))).map((name) => join(TARGETS, name))];
	for (const name of names) {
		const [a, b] = await Promise.all([contentOf(join(one, name)), contentOf(join(other, name))]);
		if (a === undefined ? b !== undefined : b === undefined || !a.equals(b)) return false;
	}
	return true;
}

/**
 * Makes the draft the generation after `previous`, durably. When another run made that generation first, returns undefined
 * and leaves the draft.
 */
export async function commitDraft(
	folder: string,
	draft: string,
	previous: Generation | undefined,
): Promise<Generation | undefined> {
	for (const name of await namesIn(draft)) if (name.endsWith('.json')) await sync(join(draft, name));
	for (const name of await namesIn(join(draft, TARGETS))) await sync(join(draft, TARGETS, name));
	await sync(join(draft, TARGETS));
	await sync(draft);
	const number = (previous?.number ?? 0) + 1;
	const path = join(folder, String(number));
	try {
		// A generation is never empty, and rename never replaces a folder that is not empty.
		await rename(draft, path);
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'ENOTEMPTY' || code === 'EEXIST') return undefined;
		throw error;
	}
	await sync(folder);
	await pointTo(folder, number);
	await sweep(folder);
	return { number, path };
}

/** The path of the newest generation, also after later updates, if the file system has links. */
export async function lastingPath(folder: string, generation: Generation): Promise<string> {
	const current = join(folder, 'current');
	const [linked, meant] = await Promise.all([stat(current).catch(() => undefined), stat(generation.path)]);
	return linked?.ino === meant.ino ? current : generation.path;
}

/** Makes the folder, with a note for people, because its name tells them nothing. */
export async function makeCacheFolder(folder: string, about: object): Promise<void> {
	await makeFolder(folder, 0o700);
	const note = join(folder, 'about.json');
	const text = `${JSON.stringify(about)}\n`;
	if ((await contentOf(note))?.toString() === text) return;
	const temporary = join(folder, `.draft-${randomUUID()}`);
	await writeFile(temporary, text, { mode: 0o600 });
	await rename(temporary, note);
}

async function generationsIn(folder: string): Promise<Generation[]> {
	return (await namesIn(folder))
		.filter((name) => GENERATION.test(name))
		.map((name) => ({ number: Number(name), path: join(folder, name) }))
		.toSorted((a, b) => a.number - b.number);
}

async function pointTo(folder: string, number: number): Promise<void> {
	const temporary = join(folder, `.draft-${randomUUID()}`);
	try {
		await symlink(String(number), temporary);
		await rename(temporary, join(folder, 'current'));
	} catch {
		// Only for convenience; some file systems have no links.
		await rm(temporary, { force: true });
	}
}

/** Removes what nobody can need any more. Only names from the folder itself, in the form that we make. */
async function sweep(folder: string): Promise<void> {
	for (const { path } of (await generationsIn(folder)).slice(0, -KEPT_GENERATIONS))
		await rm(path, { recursive: true, force: true });
	for (const name of await namesIn(folder)) {
		if (!DRAFT.test(name)) continue;
		const path = join(folder, name);
		const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
		if (age > DRAFT_LIVES_MS) await rm(path, { recursive: true, force: true });
	}
}

async function namesIn(folder: string): Promise<string[]> {
	return readdir(folder).catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
		throw error;
	});
}

/** A generation may be removed while it is copied. Then a newer one exists, and the draft will not be committed. */
async function copyIfThere(from: string, to: string): Promise<void> {
	await copyFile(from, to).catch((error: NodeJS.ErrnoException) => {
		if (error.code !== 'ENOENT') throw error;
	});
}

async function contentOf(path: string): Promise<Buffer | undefined> {
	return readFile(path).catch((error: NodeJS.ErrnoException) => {
		if (error.code === 'ENOENT') return undefined;
		throw error;
	});
}

async function sync(path: string): Promise<void> {
	await using handle = await open(path, 'r');
	await handle.sync();
}
