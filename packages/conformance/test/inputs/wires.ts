/**
 * What a refusal looks like in each wire family: the statuses of what a listener refuses by itself, the media type, and
 * the shape of the body. The values are those of the established servers.
 */
import { expect } from 'vitest';
import type { Answer } from './probe.ts';

export interface Refusal {
	readonly status: number;
	/** What it is at another moment, for the same reason. */
	readonly otherStatus?: number;
	/** Part of the message, where clients or people rely on it. */
	readonly says?: RegExp;
	/** The wire has no body for it. */
	readonly isEmpty?: true;
	/** Another form than the family's own. */
	readonly wire?: Wire;
}

export interface Wire {
	readonly name: string;
	readonly unknownPath: Refusal;
	readonly wrongMethod: Refusal;
	/** A URL that is none: NUL, broken escapes. */
	readonly badUrl: Refusal;
	/** No HTTP, or HTTP that two servers could read in two ways; the parser has it, whatever the wire. */
	readonly notHttp: Refusal;
	/** Doubled slashes inside a path, and one at its end, are as good as none. */
	readonly cleansPaths?: true;
	/** Text that is no JSON, and JSON that is no message. */
	readonly notJson: Refusal;
	readonly invalid: Refusal;
	readonly tooLarge: Refusal;
	readonly contentEncoding: Refusal;
	readonly headersTooLarge: Refusal;
	/** The message of a refusal whose media type and shape are right. */
	readonly readMessage: (answer: Answer) => string;
}

const GRPC_CODES: Readonly<Record<number, number>> = {
	400: 3,
	403: 7,
	404: 5,
	409: 6,
	413: 3,
	415: 3,
	417: 3,
	429: 8,
	431: 3,
	501: 12,
	503: 14,
};

const json = (answer: Answer, type = 'application/json') => {
	expect(answer.headers['content-type']).toBe(type);
	return JSON.parse(answer.body.toString('utf8')) as Record<string, unknown>;
};

const statuses = {
	unknownPath: { status: 404 },
	wrongMethod: { status: 405 },
	badUrl: { status: 400 },
	notHttp: { status: 400 },
	notJson: { status: 400 },
	invalid: { status: 400 },
	tooLarge: { status: 413 },
	contentEncoding: { status: 415 },
	headersTooLarge: { status: 431 },
} as const;

/** Fulcio and Rekor v2 behind their gRPC gateway. */
export const GATEWAY: Wire = {
	...statuses,
	name: 'gRPC gateway',
	wrongMethod: { status: 501, says: /^Method Not Allowed$/ },
	unknownPath: { status: 404, says: /^Not Found$/ },
	tooLarge: { status: 400, says: /request body too large/ },
	readMessage: (answer) => {
		const body = json(answer);
		expect(Object.keys(body)).toEqual(['code', 'message', 'details']);
		expect(body.code).toBe(GRPC_CODES[answer.status]);
		expect(body.details).toBeInstanceOf(Array);
		return String(body.message);
	},
};

const codeMessage = (answer: Answer) => {
	const body = json(answer);
	expect(body.code).toBe(answer.status);
	expect(body.message).toBeTypeOf('string');
	return String(body.message);
};

/** Rekor v1: what its framework refuses before the handler is 422; what net/http refuses before the framework is 400. */
export const REKOR_V1: Wire = {
	...statuses,
	name: 'Rekor v1',
	cleansPaths: true,
	invalid: { status: 422 },
	readMessage: codeMessage,
};

export const TIMESTAMP: Wire = {
	...statuses,
	name: 'timestamp authority',
	cleansPaths: true,
	readMessage: codeMessage,
};

/** RFC 6962, and files of a TUF repository: words for people. */
export const TEXT: Wire = {
	...statuses,
	name: 'text',
	readMessage: (answer) => {
		expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
		const text = answer.body.toString('utf8');
		expect(text).toMatch(/^[^{<][^\n]*(\n[^\n]+)*\n$/);
		return text;
	},
};

/** RFC 9457, for our own interfaces. */
export const PROBLEM: Wire = {
	...statuses,
	name: 'problem',
	readMessage: (answer) => {
		const body = json(answer, 'application/problem+json');
		expect(Object.keys(body)).toEqual(['type', 'title', 'status', 'detail', 'instance', 'reason']);
		expect(body.status).toBe(answer.status);
		return String(body.detail);
	},
};

/** OAuth 2.0 (RFC 6749 section 5.2), as the provider's library writes it. */
export const OAUTH: Wire = {
	...PROBLEM,
	name: 'OAuth',
	readMessage: (answer) => {
		const body = json(answer, 'application/json; charset=utf-8');
		expect(body.error).toBeTypeOf('string');
		return String(body.error_description);
	},
};

/** Two words of the provider's library. */
export const PLAIN: Wire = {
	...PROBLEM,
	name: 'plain',
	readMessage: (answer) => {
		expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8');
		return answer.body.toString('utf8');
	},
};

/** Pages for people who sign in. */
export const PAGE: Wire = {
	...PROBLEM,
	name: 'page',
	readMessage: (answer) => {
		expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
		expect(answer.headers['content-security-policy']).toBeTypeOf('string');
		const html = answer.body.toString('utf8');
		expect(html).toMatch(/^<!doctype html>/i);
		return html;
	},
};

/** Asserts that `answer` is the refusal: status, media type, shape, words. */
export function expectRefusal(answer: Answer, family: Wire, refusal: Refusal): void {
	const wire = refusal.wire ?? family;
	expect([refusal.status, refusal.otherStatus], answer.body.toString('utf8').slice(0, 400)).toContain(answer.status);
	expect(answer.headers['x-request-id']).toMatch(/./);
	if (refusal.isEmpty) {
		expect(answer.body.length).toBe(0);
		return;
	}
	const message = wire.readMessage(answer);
	expect(message).not.toBe('');
	if (refusal.says) expect(message).toMatch(refusal.says);
	if (refusal.status === 405) expect(answer.headers.allow).toMatch(/^[A-Z, ]+$/);
}
