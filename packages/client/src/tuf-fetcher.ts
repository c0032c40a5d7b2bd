/** How tuf-js fetches its files: with size limits, and with retries when a mirror is overloaded. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CallError } from '@chancery/net/call';
import { route } from '@chancery/wire/route';
import type { Fetcher } from 'tuf-js';
import { DownloadHTTPError } from 'tuf-js/dist/error.js';
import { callWithRetries, type RetryPolicy } from './retried-call.ts';

const file = route({ method: 'GET', path: '', summary: 'A file of a TUF repository.', replies: { 200: 'bytes' } });
const TIMEOUT_MS = 20_000;

/** `folder` is for files in progress; nothing else reads it. */
export function tufFetcher(folder: string, fetchUsed: typeof fetch, retries: RetryPolicy): Fetcher {
	// Redirects may be followed: everything is signed, whichever server answers.
	const follow: typeof fetch = (url, init) => fetchUsed(url, { ...init, redirect: 'follow' });
	const get = async (url: string, maxLength: number): Promise<Buffer> => {
		try {
			const limits = { fetch: follow, timeoutMs: TIMEOUT_MS, maxReplyBytes: maxLength };
			const { body } = await callWithRetries(file, url, {}, limits, retries);
			return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
		} catch (error) {
			// From this status and error type, tuf-js knows that there is no newer root.
			if (error instanceof CallError && (error.status === 404 || error.status === 403))
				throw new DownloadHTTPError(error.message, error.status);
			throw error;
		}
	};
	return {
		downloadBytes: get,
		downloadFile: async (url, maxLength, handler) => {
			const path = join(folder, 'download');
			await writeFile(path, await get(url, maxLength), { mode: 0o600 });
			return handler(path);
		},
	};
}
