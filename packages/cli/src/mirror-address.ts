/**
 * The address of a TUF repository, and the folder of its trust. The address comes from outside, so it never becomes a path:
 * the name of the folder is the SHA-256 of the address, and a note in it (`about.json`) says which address that is.
 */
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from './usage-error.ts';

const MAX_ADDRESS_CHARS = 2000;

/** Returns the address in normal form. @throws {UsageError} when it is no address; names `namedBy`, its option or file */
export function parseMirror(text: string, namedBy: string): string {
	const url = text.length <= MAX_ADDRESS_CHARS ? URL.parse(text) : null;
	if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || !/^https?:\/\//i.test(text))
		throw new UsageError(
			`${namedBy} ${JSON.stringify(text.slice(0, 200))} is no address of a repository: https://host or https://host/path is expected`,
		);
	if (url.username || url.password || url.search || url.hash)
		throw new UsageError(`${namedBy} has a user, a query or a fragment in its address; a repository has none`);
	return (url.origin + url.pathname).replace(/\/+$/, '');
}

/** @param mirror as `parseMirror` returns it */
export function cacheFolderOf(mirror: string, tufFolder: string): string {
	return join(tufFolder, createHash('sha256').update(mirror).digest('hex'));
}

/**
 * The folder that versions before 0.2 used for a mirror: its percent-encoded address without scheme. It is searched among the
 * existing folders, read, and not changed. Undefined when there is none.
 */
export async function earlierCacheFolderOf(mirror: string, tufFolder: string): Promise<string | undefined> {
	const wanted = encodeURIComponent(mirror.replace(/^https?:\/\//, '').replace(/\/+$/, ''));
	const names = await readdir(tufFolder).catch(() => []);
	const found = names.find((name) => name === wanted);
	return found === undefined ? undefined : join(tufFolder, found);
}
