/**
 * The typed caller of routes. The server at the other end is not trusted: size and time are bounded and every reply
 * is parsed by the schema of its route before anyone sees it.
 */
import { z } from 'zod';
import type { BodyInput, BodyOf, BodyShape, Route } from './route.ts';
import { explainTlsFailure } from './tls-failure.ts';

export interface CallOptions {
	/** The fetch to use; outgoing policy (private address ranges, proxies) is its business. */
	readonly fetch: typeof fetch;
	readonly headers?: Readonly<Record<string, string>>;
	readonly timeoutMs?: number;
	readonly maxReplyBytes?: number;
	readonly signal?: AbortSignal;
}

export type CallInput<R extends Route> = (R['params'] extends z.ZodType ? { params: z.input<R['params']> } : object) &
	(R['query'] extends z.ZodType ? { query: z.input<R['query']> } : object) &
	(R['body'] extends BodyShape ? { body: BodyInput<R['body']> } : object);

export type CallReply<R extends Route> = {
	[Status in keyof R['replies'] & number]: {
		readonly status: Status;
		readonly headers: Headers;
		readonly body: BodyOf<R['replies'][Status]>;
	};
}[keyof R['replies'] & number];

/** A server answered something that is not a success of the route, or nothing at all. */
export class CallError extends Error {
	override readonly name = 'CallError';
	/** Method and URL, without query. */
	readonly request: string;
	/** HTTP status, or undefined when no answer came. */
	readonly status: number | undefined;
	/** The server's own words, bounded and printable; empty when there were none. */
	readonly serverMessage: string;

	constructor(
		at: { request: string; status: number | undefined; serverMessage: string },
		message: string,
		options?: ErrorOptions,
	) {
		super(message, options);
		this.request = at.request;
		this.status = at.status;
		this.serverMessage = at.serverMessage;
	}
}

const DEFAULT_TIMEOUT_MS = 20_000;
const DEFAULT_MAX_REPLY_BYTES = 10 * 1024 * 1024;
const MAX_SERVER_MESSAGE_CHARS = 500;

/**
 * Calls `route` at `baseUrl` (no trailing slash).
 * @throws CallError when no answer comes in time, the status is not a success of the route, or the reply breaks its schema.
 */
export async function call<R extends Route>(
	route: R,
	baseUrl: string,
	input: CallInput<R>,
	options: CallOptions,
): Promise<CallReply<R>> {
	const parts = input as { params?: unknown; query?: unknown; body?: unknown };
	const url = buildUrl(route, baseUrl, parts);
	if (!url)
		throw new CallError(
			{ request: `${route.method} ${route.path}`, status: undefined, serverMessage: '' },
			printable(
				`${route.method} ${route.path} cannot be sent: ${JSON.stringify(baseUrl)} with this path is no web address`,
			),
		);
	const request = `${route.method} ${url.origin}${url.pathname}`;
	const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
	const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
	try {
		const { body, contentType } = encodeBody(route, parts.body);
		const response = await options.fetch(url, {
			method: route.method,
			headers: { accept: acceptOf(route), ...(contentType ? { 'content-type': contentType } : {}), ...options.headers },
			...(body === undefined ? {} : { body }),
			redirect: 'error',
			signal,
		});
		const bytes = await readBounded(response, options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES);
		const shape = route.replies[response.status];
		if (shape === undefined) {
			const serverMessage = messageOf(bytes);
			throw new CallError(
				{ request, status: response.status, serverMessage },
				`${request} answered ${response.status}${serverMessage ? `: ${serverMessage}` : ''}`,
			);
		}
		return { status: response.status, headers: response.headers, body: decodeBody(shape, bytes) } as CallReply<R>;
	} catch (error) {
		if (error instanceof CallError) throw error;
		throw new CallError(
			{ request, status: undefined, serverMessage: '' },
			`${request} failed: ${printable(reasonOf(error, url.host))}`,
			{
				cause: error,
			},
		);
	}
}

/**
 * The URL of the request, or undefined when there is none: a base that is not http, or a parameter that would lead to
 * another path than the route's (`..` is left alone by the escaping, and means its parent to every URL parser).
 */
function buildUrl(route: Route, baseUrl: string, parts: { params?: unknown; query?: unknown }): URL | undefined {
	const params = (parts.params ?? {}) as Record<string, unknown>;
	const given = Object.values(params).flatMap((value) => String(value).split('/'));
	if (given.some((segment) => /^\.{1,2}$/.test(segment) || !segment.isWellFormed())) return undefined;
	const path = route.path
		.replace(/:([A-Za-z]+)/g, (_, name: string) => encodeURIComponent(String(params[name])))
		.replace(/\*$/, () => String(params['*']).split('/').map(encodeURIComponent).join('/'));
	// The base must be one by itself: `http:` with a path behind it would make a host of the path.
	const { protocol } = URL.parse(baseUrl) ?? {};
	const url = URL.parse(baseUrl.replace(/\/+$/, '') + path);
	if (!url || (protocol !== 'http:' && protocol !== 'https:')) return undefined;
	for (const [name, value] of Object.entries((parts.query ?? {}) as Record<string, unknown>)) {
		if (value !== undefined) url.searchParams.set(name, String(value));
	}
	return url;
}

function acceptOf(route: Route): string {
	const shapes = Object.values(route.replies);
	if (shapes.some((shape) => typeof shape !== 'string')) return 'application/json';
	return shapes.includes('bytes') ? 'application/octet-stream, */*' : '*/*';
}

function encodeBody(route: Route, body: unknown): { body?: string | Uint8Array<ArrayBuffer>; contentType?: string } {
	if (route.body === undefined || route.body === 'none' || body === undefined) return {};
	if (route.body === 'text')
		return { body: body as string, contentType: route.bodyType ?? 'text/plain; charset=utf-8' };
	if (route.body === 'bytes')
		return { body: body as Uint8Array<ArrayBuffer>, contentType: route.bodyType ?? 'application/octet-stream' };
	return { body: JSON.stringify(body), contentType: 'application/json' };
}

function decodeBody(shape: BodyShape, bytes: Uint8Array): unknown {
	if (shape === 'none') return undefined;
	if (shape === 'bytes') return bytes;
	const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	return shape === 'text' ? text : shape.parse(JSON.parse(text));
}

/** Reads at most `maxBytes`; a longer reply is an error and is not read further. */
async function readBounded(response: Response, maxBytes: number): Promise<Uint8Array> {
	const chunks: Uint8Array[] = [];
	let length = 0;
	for await (const chunk of response.body ?? []) {
		length += chunk.length;
		if (length > maxBytes) throw new Error(`the reply is longer than ${maxBytes} bytes`);
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

/** The words of a refusal, whatever family rendered it: `message`, `detail`, or text. Bounded, and without control characters. */
function messageOf(bytes: Uint8Array): string {
	const text = new TextDecoder().decode(bytes.subarray(0, 64 * 1024));
	let words = text;
	try {
		const json = z
			.object({ message: z.string().optional(), detail: z.string().optional() })
			.safeParse(JSON.parse(text));
		if (json.success) words = json.data.message ?? json.data.detail ?? '';
	} catch {
		// Not JSON: the text itself is the message.
	}
	return printable(words);
}

/** Words of a stranger, for a message: bounded, and without what would steer a terminal or break a log line. */
function printable(words: string): string {
	return words
		.slice(0, 8 * MAX_SERVER_MESSAGE_CHARS)
		.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ')
		.trim()
		.slice(0, MAX_SERVER_MESSAGE_CHARS);
}

function reasonOf(error: unknown, host: string): string {
	if (error instanceof z.ZodError) return `the reply breaks its schema: ${z.prettifyError(error)}`;
	if (!(error instanceof Error)) return String(error);
	if (error.name === 'TimeoutError') return 'no answer in time';
	const ofTls = explainTlsFailure(error, host);
	if (ofTls !== undefined) return ofTls;
	const cause =
		error.cause instanceof Error ? `: ${error.cause.message || String((error.cause as { code?: string }).code)}` : '';
	return `${error.message}${cause}`;
}
