/**
 * One line and one measurement for each request, when its answer has left or its client has. A line holds nothing that a
 * client chose: the pattern of the route and not the path, no query, no header; its id is the one of `x-request-id`, which
 * has the form of a UUID or of a trace id. So no line can be forged, or grow, by what is asked for.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessLog, Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { clientOf } from './client-address.ts';

/** What a listener is to its lines. */
export interface AccessLogSource {
	readonly name: string;
	readonly logger: Logger;
	readonly metrics: Metrics | undefined;
	readonly access: AccessLog;
	/** Further fields of a line. Where there are some, the lines are an audit: those of writes are always written. */
	readonly describeRequest: readonly ((request: FastifyRequest) => Record<string, unknown>)[];
}

/** What access logs call an answer that nobody waited for. */
const CLIENT_LEFT = 499;
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Codes of the requests that were refused. */
const refusals = new WeakMap<FastifyRequest, string>();

/** Remembers the code of a refusal for the line of its request. */
export function noteRefusal(request: FastifyRequest, code: string): void {
	refusals.set(request, code);
}

/** Called once per request, when its head is there. `source` is read when the request is over. */
export function observeRequest(request: FastifyRequest, reply: FastifyReply, source: AccessLogSource): void {
	const startedMs = performance.now();
	// A socket that has ended no longer knows.
	const { remoteAddress } = request.socket;
	let over = false;
	const report = (status: number) => {
		if (over) return;
		over = true;
		const seconds = (performance.now() - startedMs) / 1000;
		const { name: listener, logger, metrics, describeRequest } = source;
		const { method } = request;
		const route = routeOf(request);
		metrics?.observeRequest({ listener, method, route, status, seconds });
		const isQuiet = request.routeOptions.config?.isProbe === true;
		const level = isQuiet ? 'debug' : levelOf(status, method, source);
		if (!logger.isLevelEnabled(level)) return;
		const reason = refusals.get(request);
		const line = {
			listener,
			reqId: request.id,
			method,
			route,
			status,
			...(reason === undefined ? {} : { reason }),
			ms: Math.round(seconds * 1e4) / 10,
			bytes: bytesOf(reply),
			client: clientOf(remoteAddress),
		};
		logger[level](Object.assign(line, ...describeRequest.map((describe) => describe(request))), 'request');
	};
	reply.raw.once('finish', () => report(reply.raw.statusCode));
	reply.raw.once('close', () => report(CLIENT_LEFT));
}

/** The pattern: clients choose paths, and must not make new series or lines that hold what they sent. */
export function routeOf(request: FastifyRequest): string {
	return request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown');
}

/** Headers are with the framework, or where another library has written the answer itself. */
function bytesOf(reply: FastifyReply): number {
	return Number(reply.getHeader('content-length') ?? reply.raw.getHeader('content-length') ?? 0);
}

function levelOf(
	status: number,
	method: string,
	{ access, describeRequest }: AccessLogSource,
): 'error' | 'info' | 'debug' {
	// A gateway says 501 to a method that a path does not have: the client's mistake, not one of ours.
	if (status >= 500 && status !== 501) return 'error';
	if (status >= 400 || access === 'all') return 'info';
	if (READS.has(method)) return 'debug';
	return access === 'writes-and-errors' || describeRequest.length > 0 ? 'info' : 'debug';
}
