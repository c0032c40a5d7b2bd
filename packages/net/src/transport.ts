/**
 * How a request of a route gets to its server and the reply back. `fetch` is one way, which browsers have too; servers
 * that call each other a thousand times a second bring a cheaper one (`chassis/http-transport`).
 */
import { ChanceryError } from '@chancery/core/chancery-error';

export interface TransportRequest {
	readonly method: string;
	readonly url: URL;
	readonly headers: Readonly<Record<string, string>>;
	readonly body?: string | Uint8Array<ArrayBuffer>;
	/** For everything, from the connection to the last byte of the reply. */
	readonly timeoutMs: number;
	/** A longer reply is an error and is not read further. */
	readonly maxReplyBytes: number;
	readonly signal?: AbortSignal;
}

export interface TransportReply {
	readonly status: number;
	readonly headers: Headers;
	readonly bytes: Uint8Array;
}

/**
 * Sends one request and answers the whole reply, whatever its status; redirects are never followed.
 * Rejects with an error named `TimeoutError` when the time is over, with any other when there is no whole reply.
 */
export type Transport = (request: TransportRequest) => Promise<TransportReply>;

/** Whatever `fetch` is: outgoing policy (private address ranges, proxies) is its business. */
export function fetchTransport(fetcher: typeof fetch): Transport {
	return async ({ method, url, headers, body, timeoutMs, maxReplyBytes, signal }) => {
		const timeout = AbortSignal.timeout(timeoutMs);
		const response = await fetcher(url, {
			method,
			headers,
			...(body === undefined ? {} : { body }),
			redirect: 'error',
			signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
		});
		return { status: response.status, headers: response.headers, bytes: await readBounded(response, maxReplyBytes) };
	};
}

async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
	const chunks: Uint8Array[] = [];
	let length = 0;
	for await (const chunk of response.body ?? []) {
		length += chunk.length;
		if (length > maxBytes) throw replyTooLong(maxBytes);
		chunks.push(chunk);
	}
	const bytes = new Uint8Array(length);
	let at = 0;
	for (const chunk of chunks) {
		bytes.set(chunk, at);
		at += chunk.length;
	}
	return bytes;
}

/** Nobody says that the next one would be shorter. */
export class ReplyTooLongError extends ChanceryError<'reply-too-long'> {
	constructor(message: string, options?: ErrorOptions) {
		super('reply-too-long', message, options);
	}
}

export function replyTooLong(maxBytes: number): ReplyTooLongError {
	return new ReplyTooLongError(`the reply is longer than ${maxBytes} bytes`);
}
