/**
 * Fetches a JSON document of an issuer. The issuer is configured, what it answers is not trusted: size, depth, redirects
 * and time are bounded.
 */
import { parseJson } from '@chancery/core/json';
import type { Transport } from '@chancery/net/transport';

/** Discovery documents and key sets of large providers are about 10 KiB. */
const MAX_DOCUMENT_BYTES = 256 * 1024;
/** From the look-up of the name to the last byte; callers that ask for several documents end sooner by their signal. */
export const ANSWER_WITHIN_MS = 5_000;

/** @throws {Error} of any kind; callers turn it into their own, since its text names our network. */
export async function fetchDocument(transport: Transport, url: URL, signal: AbortSignal): Promise<unknown> {
	// Redirects are not followed: they would let the issuer choose where this process connects to.
	const { status, bytes } = await transport({
		method: 'GET',
		url,
		headers: { accept: 'application/json' },
		timeoutMs: ANSWER_WITHIN_MS,
		maxReplyBytes: MAX_DOCUMENT_BYTES,
		signal,
	});
	if (status !== 200) throw new Error(`${url.href} answered ${status}`);
	return parseJson(bytes, { maxDepth: 16 });
}
