/**
 * Fetches a JSON document of an issuer. The issuer is configured, what it answers is not trusted: size, depth
 * and redirects are bounded here, time by the caller's signal.
 */
import { concatBytes } from '@chancery/core/bytes';
import { parseJson } from '@chancery/core/json';

/** Discovery documents and key sets of large providers are about 10 KiB. */
const MAX_DOCUMENT_BYTES = 256 * 1024;

/** @throws {Error} of any kind; callers turn it into their own, since its text names our network. */
export async function fetchDocument(fetcher: typeof fetch, url: URL, signal: AbortSignal): Promise<unknown> {
	const response = await fetcher(url, {
		headers: { accept: 'application/json' },
		// A redirect would let the issuer choose where this process connects to.
		redirect: 'error',
		signal,
	});
	if (response.status !== 200) {
		await response.body?.cancel();
		throw new Error(`${url.href} answered ${response.status}`);
	}
	const chunks: Uint8Array[] = [];
	let length = 0;
	for await (const chunk of response.body ?? []) {
		length += chunk.length;
		if (length > MAX_DOCUMENT_BYTES) throw new Error(`${url.href} answered more than ${MAX_DOCUMENT_BYTES} bytes`);
		chunks.push(chunk);
	}
	return parseJson(concatBytes(...chunks), { maxDepth: 16 });
}
