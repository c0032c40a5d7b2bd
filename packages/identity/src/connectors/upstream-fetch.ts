/**
 * How connectors ask their providers: as `fetch`, for the libraries, over a transport that bounds time and size and follows
 * no redirect. What a provider answers is outside input, also when it is not the provider who answers.
 */
import { explainTlsFailure } from '@chancery/net/tls-failure';
import type { Transport, TransportReply } from '@chancery/net/transport';
import { ReplyTooLongError } from '@chancery/net/transport';
import { UpstreamFailure } from './upstream-failure.ts';

/** From the look-up of the name to the last byte. */
const ANSWER_WITHIN_MS = 5_000;
/** Discovery documents and key sets of large providers are about 10 KiB. */
const MAX_ANSWER_BYTES = 256 * 1024;
const RETRY_SECONDS = 5;

/**
 * Rejects with an `UpstreamFailure` when there is no answer that a library could read: none at all, a redirect, or one that
 * says that the provider does not work.
 */
export function upstreamFetch(transport: Transport): typeof fetch {
	return async (input, init = {}) => {
		const url = new URL(input instanceof Request ? input.url : input);
		const { body } = init;
		const { status, headers, bytes } = await reply(transport, {
			method: init.method ?? 'GET',
			url,
			headers: { ...Object.fromEntries(new Headers(init.headers)), ...(body ? FORM : {}) },
			// Both libraries send forms only.
			...(body ? { body: String(body) } : {}),
			...(init.signal ? { signal: init.signal } : {}),
		});
		const at = `${init.method ?? 'GET'} ${url.origin}${url.pathname}`;
		if (status >= 300 && status < 400) throw redirected(`${at} answered ${status}`);
		if (status >= 500 || status === 429)
			throw new UpstreamFailure('upstream-unavailable', `${at} answered ${status}`, {
				retryAfterSeconds: RETRY_SECONDS,
			});
		// Nothing else of the headers is used: a library that finds a challenge would not read the reason in the body.
		const type = headers.get('content-type');
		return new Response(bytes.length === 0 ? null : new Uint8Array(bytes), {
			status,
			headers: type === null ? {} : { 'content-type': type },
		});
	};
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' };

async function reply(
	transport: Transport,
	request: Omit<Parameters<Transport>[0], 'timeoutMs' | 'maxReplyBytes'>,
): Promise<TransportReply> {
	try {
		return await transport({ ...request, timeoutMs: ANSWER_WITHIN_MS, maxReplyBytes: MAX_ANSWER_BYTES });
	} catch (error) {
		const { host } = request.url;
		const tls = explainTlsFailure(error, host);
		if (tls !== undefined) throw new UpstreamFailure('upstream-untrusted', tls, { cause: error });
		if (error instanceof ReplyTooLongError)
			throw new UpstreamFailure('upstream-invalid', `${host}: ${error.message}`, { cause: error });
		const reason = reasonOf(error);
		// What `fetch` calls a redirect that it was told not to follow.
		if (reason === 'unexpected redirect') throw redirected(`${host} answered`, error);
		throw new UpstreamFailure('upstream-unavailable', `${host} does not answer: ${reason}`, {
			retryAfterSeconds: RETRY_SECONDS,
			cause: error,
		});
	}
}

function redirected(what: string, cause?: unknown): UpstreamFailure {
	return new UpstreamFailure('upstream-invalid', `${what} with a redirect, which is not followed`, { cause });
}

/** `fetch` only says that it failed; why is in its cause. */
function reasonOf(error: unknown): string {
	if (!(error instanceof Error)) return String(error);
	if (error.name === 'TimeoutError') return 'no answer in time';
	const { cause } = error;
	return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : error.message;
}
