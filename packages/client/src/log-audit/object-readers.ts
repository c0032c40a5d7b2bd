/**
 * Where an audited log is read from: a URL or a folder. Neither is trusted: sizes and times are limited, and every path is
 * made by the audit itself.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { explainTlsFailure } from '@chancery/net/tls-failure';
import { ClientError } from '../client-error.ts';

/** The bytes of a resource by its path below the log; undefined when it is not there. @throws {ClientError} `log-unreadable` */
export type ReadObject = (path: string) => Promise<Uint8Array | undefined>;

/** 256 entries of 65,535 bytes are 16 MiB. Data tiles of a CT log could be larger; real ones are not. */
const MAX_OBJECT_BYTES = 64 * 1024 * 1024;
const TIMEOUT_MS = 30_000;
const TRIES = 4;
const FIRST_PAUSE_MS = 250;

/** Statuses that mean: try again later. */
const TRY_AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);

/** A log over HTTP. `baseUrl` is the URL without `/checkpoint` or `/tile/...`. */
export function urlReader(baseUrl: string, fetchUsed: typeof fetch): ReadObject {
	const base = baseUrl.replace(/\/+$/, '');
	return async (path) => {
		for (let attempt = 1; ; attempt++) {
			const answer = await request(`${base}/${path}`, fetchUsed);
			if (!(answer instanceof ClientError)) return answer.bytes;
			if (attempt === TRIES || answer.cause === undefined) throw answer;
			await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
		}
	};
}

/** Returns the error instead of throwing it. An error with a cause is worth another attempt. */
async function request(url: string, fetchUsed: typeof fetch): Promise<{ bytes: Uint8Array | undefined } | ClientError> {
	const failure = (what: string, cause?: unknown) =>
		new ClientError('log-unreadable', `${url} ${what}`, cause === undefined ? {} : { cause });
	try {
		const response = await fetchUsed(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
		// A bucket that the reader may not list answers 403 for missing objects; that looks the same as a real refusal.
		if (response.status === 404 || response.status === 410) {
			await response.body?.cancel();
			return { bytes: undefined };
		}
		if (response.status === 200) return { bytes: await readBounded(response, url) };
		await response.body?.cancel();
		return failure(`answered ${response.status}`, TRY_AGAIN.has(response.status) ? response.status : undefined);
	} catch (cause) {
		if (cause instanceof ClientError) return cause;
		// Another request would get the same certificate.
		const ofTls = explainTlsFailure(cause, new URL(url).host);
		if (ofTls !== undefined) return failure(`gave no answer: ${ofTls}`);
		const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
		return failure(`gave no answer: ${inner instanceof Error ? inner.message : String(inner)}`, cause);
	}
}

async function readBounded(response: Response, url: string): Promise<Uint8Array> {
	const parts: Uint8Array[] = [];
	let length = 0;
	for await (const part of response.body ?? []) {
		length += part.length;
		if (length > MAX_OBJECT_BYTES)
			throw new ClientError('log-unreadable', `${url} is longer than ${MAX_OBJECT_BYTES} bytes`);
		parts.push(part);
	}
	return new Uint8Array(Buffer.concat(parts));
}

/** A log as files, as an export writes them. */
export function folderReader(folder: string): ReadObject {
	return async (path) => {
		const place = join(folder, path);
		try {
			const file = await open(place, 'r');
			try {
				const { size } = await file.stat();
				if (size > MAX_OBJECT_BYTES)
					throw new ClientError('log-unreadable', `${place} is longer than ${MAX_OBJECT_BYTES} bytes`);
				return new Uint8Array(await file.readFile());
			} finally {
				await file.close();
			}
		} catch (cause) {
			if (cause instanceof ClientError) throw cause;
			const { code } = cause as NodeJS.ErrnoException;
			if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
			throw new ClientError('log-unreadable', `${place} cannot be read (${code})`, { cause });
		}
	};
}
