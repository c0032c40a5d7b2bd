/**
 * The typed caller of routes. The server at the other end is not trusted: size and time are bounded and every reply
 * is parsed by the schema of its route before anyone sees it.
 */

import { parseHttpDate } from '@chancery/core/calendar-time';
import { ChanceryError } from '@chancery/core/chancery-error';
import type { BodyInput, BodyOf, BodyShape, Route } from '@chancery/wire/route';
import { schemaProblem } from '@chancery/wire/schema-problem';
import { z } from 'zod';
import { maskCredentials } from './mask-credentials.ts';
import { explainTlsFailure } from './tls-failure.ts';
import { fetchTransport, type Transport, type TransportReply } from './transport.ts';

/** The fetch to use, or another way to the server. */
export type CallOptions = CallLimits & ({ readonly fetch: typeof fetch } | { readonly transport: Transport });

export interface CallLimits {
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
export class CallError extends ChanceryError<'no-answer' | 'not-a-success'> {
	/** Method and URL, without query. */
	readonly request: string;
	/** HTTP status, or undefined when no answer came. */
	readonly status: number | undefined;
	/** The server's own words, bounded and printable; empty when there were none. */
	readonly serverMessage: string;
	/** How long the server asks to stay away (`Retry-After`, RFC 9110 section 10.2.3); undefined when it does not ask. */
	readonly retryAfterMs: number | undefined;
	/** The server's `Location`, as it stands there: a stranger's text. */
	readonly location: string | undefined;

	constructor(
		at: {
			readonly request: string;
			readonly status: number | undefined;
			readonly serverMessage: string;
			readonly retryAfterMs?: number | undefined;
			readonly location?: string | undefined;
		},
		message: string,
		options?: ErrorOptions,
	) {
		super(at.status === undefined ? 'no-answer' : 'not-a-success', message, options);
		this.request = at.request;
		this.status = at.status;
		this.serverMessage = at.serverMessage;
		this.retryAfterMs = at.retryAfterMs;
		this.location = at.location;
	}
}

const DEFAULT_TIMEOUT_MS = 20_000;
const DEFAULT_MAX_REPLY_BYTES = 10 * 1024 * 1024;
const MAX_SERVER_MESSAGE_CHARS = 500;

/**
 * Calls `route` at `baseUrl` (no trailing slash).
 * @throws {CallError} when no answer comes in time, the status is not a success of the route, or the reply breaks its schema.
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
	const send = 'transport' in options ? options.transport : fetchTransport(options.fetch);
	try {
		const { body, contentType } = encodeBody(route, parts.body);
		const reply = await send({
			method: route.method,
			url,
			headers: { accept: acceptOf(route), ...(contentType ? { 'content-type': contentType } : {}), ...options.headers },
			...(body === undefined ? {} : { body }),
			timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
			maxReplyBytes: options.maxReplyBytes ?? DEFAULT_MAX_REPLY_BYTES,
			...(options.signal ? { signal: options.signal } : {}),
		});
		const shape = route.replies[reply.status];
		if (shape === undefined) {
			const serverMessage = messageOf(reply.bytes, options.headers?.authorization);
			throw new CallError(
				{
					request,
					status: reply.status,
					serverMessage,
					retryAfterMs: retryAfterOf(reply.headers),
					location: reply.headers.get('location') ?? undefined,
				},
				`${request} answered ${reply.status}${serverMessage ? `: ${serverMessage}` : ''}`,
			);
		}
		return {
			status: reply.status,
			headers: reply.headers,
			body: decodeReply(shape, reply, request),
		} as CallReply<R>;
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

/** An answer that breaks its schema has a status all the same: who looks for servers that are away must not find this one. */
function decodeReply(shape: BodyShape, { status, bytes }: TransportReply, request: string): unknown {
	try {
		return decodeBody(shape, bytes);
	} catch (cause) {
		const message = `${request} failed: ${printable(reasonOf(cause, ''))}`;
		throw new CallError({ request, status, serverMessage: '' }, message, { cause });
	}
}

function decodeBody(shape: BodyShape, bytes: Uint8Array): unknown {
	if (shape === 'none') return undefined;
	if (shape === 'bytes') return bytes;
	const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	return shape === 'text' ? text : shape.parse(JSON.parse(text));
}

/**
 * The words of a refusal, whatever family rendered it: `message`, `detail`, or text. Bounded, without control characters,
 * and without the credentials that we sent, should the server repeat them: the words go into logs and to terminals.
 */
function messageOf(bytes: Uint8Array, authorization: string | undefined): string {
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
	const sent = authorization?.replace(/^\S+ +/, '');
	return printable(maskCredentials(sent ? words.replaceAll(sent, '[redacted]') : words));
}

/** Seconds, or a date that is compared with the date of the answer itself where it has one: clocks differ. */
function retryAfterOf(headers: Headers): number | undefined {
	const text = headers.get('retry-after')?.trim() ?? '';
	if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000;
	try {
		const [at, now] = [parseHttpDate(text), parseHttpDate(headers.get('date') ?? '')];
		return Math.max(0, at.getTime() - now.getTime());
	} catch {
		// Neither seconds nor a date: it says nothing.
		return undefined;
	}
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
	if (error instanceof z.ZodError) return `the reply breaks its schema: ${schemaProblem(error)}`;
	if (!(error instanceof Error)) return String(error);
	if (error.name === 'TimeoutError') return 'no answer in time';
	const ofTls = explainTlsFailure(error, host);
	if (ofTls !== undefined) return ofTls;
	const cause =
		error.cause instanceof Error ? `: ${error.cause.message || String((error.cause as { code?: string }).code)}` : '';
	return `${error.message}${cause}`;
}
