/** POST /api/v1/timestamp and its aliases: a query in DER or JSON, a TimeStampResp in DER. */
import { DomainError } from '@chancery/chassis/domain-error';
import { codeOf } from '@chancery/chassis/http/error-rendering';
import { mount } from '@chancery/chassis/http/mount';
import { TIMESTAMP_QUERY_TYPE, TIMESTAMP_REPLY_TYPE, timestamp, timestampAliases } from '@chancery/wire/tsa';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { issueTimestamp, type TimestampDeps } from '../domain/timestamp.ts';
import { parseTimestampJsonQuery, parseTimestampQuery } from '../domain/timestamp-query.ts';
import { encodeRejection } from '../domain/timestamp-response.ts';
import { failureBitOf, statusOf, TSA_ERRORS } from '../errors.ts';

export interface TimestampRouteOptions extends TimestampDeps {
	readonly createdStatus: 200 | 201;
	/** How DER queries are refused; see the configuration. */
	readonly refusals: 'http' | 'rfc3161';
}

/** A token is for one request: no cache may keep it. */
const NO_CACHE = {
	'cache-control': 'no-cache, no-store, no-transform, must-revalidate, private, max-age=0',
	pragma: 'no-cache',
	expires: 'Thu, 01 Jan 1970 00:00:00 GMT',
	'x-accel-expires': '0',
} as const;

const JSON_TYPE = 'application/json';
/** A TimeStampResp contains one sentence; longer messages are for the JSON form and the log. */
const MAX_STATUS_STRING_CHARS = 500;

export function mountTimestamp(app: FastifyInstance, options: TimestampRouteOptions): void {
	// A scope of its own: its errors have a form that no other route uses.
	app.register(async (scope) => {
		scope.setErrorHandler((error, request, reply) => {
			options.metrics.count('chancery_tsa_timestamps_refused_total', 1, { reason: codeOf(error, TSA_ERRORS) });
			refuse(error, request, reply, options);
		});
		for (const route of [timestamp, ...timestampAliases])
			mount(
				scope,
				route,
				async ({ body }, request) => {
					const parse = mediaTypeOf(request) === JSON_TYPE ? parseTimestampJsonQuery : parseTimestampQuery;
					return {
						status: options.createdStatus,
						headers: NO_CACHE,
						body: await issueTimestamp(options, parse(body)),
					};
				},
				{ beforeBody: requireQueryType },
			);
	});
}

function requireQueryType(request: FastifyRequest): void {
	const type = mediaTypeOf(request);
	if (type === TIMESTAMP_QUERY_TYPE || type === JSON_TYPE) return;
	const expected = `the content type must be ${TIMESTAMP_QUERY_TYPE} or ${JSON_TYPE}`;
	if (type === undefined || !type.startsWith('application/'))
		throw new DomainError('unsupported-media-type', `${expected}${type === undefined ? '' : `, ${type} came`}`);
	throw new DomainError('unknown-query-type', `${expected}, ${type} came`);
}

/** The media type without its parameters, in lower case; undefined when there is none, or it cannot be parsed. */
function mediaTypeOf(request: FastifyRequest): string | undefined {
	return /^\s*([a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+)\s*(;|$)/i
		.exec(request.headers['content-type'] ?? '')?.[1]
		?.toLowerCase();
}

/**
 * Answers a refused DER query in the form of RFC 3161, when the client asked for it or the operator has configured it for all.
 * Other errors are thrown on to the listener, which answers with the JSON that Sigstore's clients read.
 */
function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply, options: TimestampRouteOptions): void {
	const bit = error instanceof DomainError ? failureBitOf(error.code) : undefined;
	const isDer = mediaTypeOf(request) === TIMESTAMP_QUERY_TYPE;
	const accepts = (request.headers.accept ?? '').toLowerCase().includes(TIMESTAMP_REPLY_TYPE);
	if (!(error instanceof DomainError) || bit === undefined || !isDer || (options.refusals === 'http' && !accepts))
		throw error;

	if (error.cause !== undefined)
		request.log.warn({ err: error.cause, reason: error.code, reqId: request.id }, 'refused because of');
	if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds));
	reply
		.code(options.refusals === 'rfc3161' ? 200 : statusOf(error.code))
		.headers(NO_CACHE)
		.header('content-type', TIMESTAMP_REPLY_TYPE)
		.send(Buffer.from(encodeRejection(error.detail.slice(0, MAX_STATUS_STRING_CHARS).toWellFormed(), bit)));
}
