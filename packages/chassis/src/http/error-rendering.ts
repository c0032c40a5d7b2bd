/**
 * Turns whatever was thrown into one HTTP refusal, in the shape that the clients of a wire family read (`wire/refusal`).
 *
 * - `grpc-gateway` (Fulcio, Rekor v2): `{"code":<gRPC code>,"message":...,"details":[...]}`
 * - `code-message` (Rekor v1, timestamp authority): `{"code":<HTTP status>,"message":...}`
 * - `text` (RFC 6962): the words alone
 * - `problem` (our own interfaces): RFC 9457 `application/problem+json`. The compatible families never use this media
 *   type, because the clients of Sigstore read `message` only from `application/json`.
 */
import type { RefusalFamily } from '@chancery/wire/refusal';
import { DomainError } from '../domain-error.ts';
import { asPassingFailure } from '../passing-failure.ts';

export interface ErrorEntry {
	/** HTTP status. */
	readonly status: number;
	/** A few words that are the same for every error of this code. */
	readonly title: string;
	/** google.rpc.Code, where it is not the usual one for the status. */
	readonly grpcCode?: number;
}

/** code -> how it looks on the wire. Entries of a service come before those of the chassis. */
export type ErrorTable = Readonly<Record<string, ErrorEntry>>;

/** The codes that the chassis itself raises. A service may give them another status in its own table. */
export const CHASSIS_ERRORS = {
	'invalid-json': { status: 400, title: 'The body is not acceptable JSON' },
	'invalid-request': { status: 400, title: 'The request is not valid' },
	/** No HTTP, or HTTP that two servers could read in two ways: 400 also where a wire calls an invalid request 422. */
	'malformed-request': { status: 400, title: 'The request is not valid HTTP' },
	unauthenticated: { status: 401, title: 'Authentication is required' },
	forbidden: { status: 403, title: 'Not allowed' },
	'not-found': { status: 404, title: 'Not Found' },
	'method-not-allowed': { status: 405, title: 'Method Not Allowed' },
	'request-timeout': { status: 408, title: 'The request did not arrive in time' },
	'body-too-large': { status: 413, title: 'The body is too large' },
	'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
	'unknown-expectation': { status: 417, title: 'Expectation Failed' },
	overloaded: { status: 429, title: 'Too many requests' },
	'headers-too-large': { status: 431, title: 'The headers are too large' },
	'invalid-trust-report': { status: 422, title: 'The trust report is not valid' },
	internal: { status: 500, title: 'Internal error' },
	'not-implemented': { status: 501, title: 'Not Implemented' },
	'unknown-transfer-coding': { status: 501, title: 'Unsupported transfer encoding' },
	unavailable: { status: 503, title: 'Temporarily unavailable' },
} as const satisfies ErrorTable;

/** A refusal ready to be sent. */
export interface RenderedError {
	readonly code: string;
	readonly status: number;
	/** Lower-case names, `content-type` included. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/** What the client of an unexpected failure reads; the cause is in the log under the request id. */
const INTERNAL_DETAIL = 'internal error';
const MAX_DETAIL_CHARS = 4000;
/** A busy server that names no time still says when to come back. */
const DEFAULT_RETRY_SECONDS = 1;

/** google.rpc.Code by HTTP status, the inverse of grpc-gateway's own table; what is not listed is UNKNOWN (2). */
const GRPC_CODES: Readonly<Record<number, number>> = {
	400: 3,
	401: 16,
	403: 7,
	404: 5,
	405: 12,
	408: 4,
	409: 6,
	412: 9,
	413: 3,
	415: 3,
	417: 3,
	422: 3,
	429: 8,
	431: 3,
	499: 1,
	500: 13,
	501: 12,
	503: 14,
	504: 4,
};

/**
 * Renders `error` for one request. Anything but a `DomainError` whose code is in a table becomes `internal` and says
 * nothing about itself: messages of libraries and of the database may hold what a client must not see.
 */
export function renderError(
	error: unknown,
	where: { readonly errors: ErrorTable; readonly family: RefusalFamily; readonly requestId: string },
): RenderedError {
	const known = error instanceof DomainError ? lookUp(error.code, where.errors) : undefined;
	const code = codeOf(error, where.errors);
	const entry = known ?? lookUp('internal', where.errors) ?? CHASSIS_ERRORS.internal;
	const detail = known && error instanceof DomainError ? bounded(error.detail) || entry.title : INTERNAL_DETAIL;

	const headers: Record<string, string> = {};
	if (known && error instanceof DomainError) {
		for (const [name, value] of Object.entries(error.headers ?? {})) headers[name.toLowerCase()] = value;
		const seconds =
			error.retryAfterSeconds ?? (entry.status === 429 || entry.status === 503 ? DEFAULT_RETRY_SECONDS : undefined);
		if (seconds !== undefined) headers['retry-after'] = String(Math.max(0, Math.ceil(seconds)));
	}
	headers['x-request-id'] = where.requestId;
	headers['cache-control'] ??= 'no-store';

	const { contentType, body } = write(where.family, { code, entry, detail, requestId: where.requestId });
	headers['content-type'] = contentType;
	return { code, status: entry.status, headers, body };
}

/** The code under which `error` is rendered: one of a table, whatever was thrown. */
export function codeOf(thrown: unknown, errors: ErrorTable): string {
	const error = asPassingFailure(thrown);
	return error instanceof DomainError && lookUp(error.code, errors) ? error.code : 'internal';
}

/** True when `renderError` would hide `error` behind a generic 500: such errors belong into the log with their cause. */
export function isUnexpected(error: unknown, errors: ErrorTable): boolean {
	return !(error instanceof DomainError) || lookUp(error.code, errors) === undefined;
}

function lookUp(code: string, errors: ErrorTable): ErrorEntry | undefined {
	if (Object.hasOwn(errors, code)) return errors[code];
	return Object.hasOwn(CHASSIS_ERRORS, code) ? CHASSIS_ERRORS[code as keyof typeof CHASSIS_ERRORS] : undefined;
}

interface Words {
	readonly code: string;
	readonly entry: ErrorEntry;
	readonly detail: string;
	readonly requestId: string;
}

function write(family: RefusalFamily, words: Words): { contentType: string; body: string } {
	const { code, entry, detail, requestId } = words;
	switch (family) {
		case 'grpc-gateway':
			return json({
				code: entry.grpcCode ?? GRPC_CODES[entry.status] ?? 2,
				message: detail,
				details: [
					{
						'@type': 'type.googleapis.com/google.rpc.ErrorInfo',
						reason: code,
						domain: 'chancery',
						metadata: { requestId },
					},
				],
			});
		case 'code-message':
			return json({ code: entry.status, message: detail, reason: code, requestId });
		case 'text':
			return { contentType: 'text/plain; charset=utf-8', body: `${detail}\n` };
		case 'problem':
			return json(
				{
					type: `urn:chancery:problem:${code}`,
					title: entry.title,
					status: entry.status,
					detail,
					instance: `urn:chancery:request:${requestId}`,
					reason: code,
				},
				'application/problem+json',
			);
	}
}

function json(value: object, contentType = 'application/json'): { contentType: string; body: string } {
	return { contentType, body: JSON.stringify(value) };
}

/** Details may quote what a client sent: they stay short, are valid Unicode, and hold no control characters but line ends. */
function bounded(detail: string): string {
	const text = detail.toWellFormed().replace(/[^\P{Cc}\n\t]/gu, ' ');
	return text.length > MAX_DETAIL_CHARS ? `${text.slice(0, MAX_DETAIL_CHARS)}...`.toWellFormed() : text;
}
