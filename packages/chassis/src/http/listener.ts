/**
 * One HTTP listener of a service: limits, request ids, refusals in the shape of its wire family, CORS, one log line and
 * one measurement per request. Routes are put on it by `mount`; bodies reach them as bytes.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { RefusalFamily } from '@chancery/wire/refusal';
import {
	type FastifyBaseLogger,
	type FastifyInstance,
	type FastifyReply,
	type FastifyRequest,
	fastify,
	LogController,
	type RawServerDefault,
} from 'fastify';
import { DomainError } from '../domain-error.ts';
import { type AccessLog, DEFAULT_ACCESS_LOG, type Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import { asPassingFailure } from '../passing-failure.ts';
import type { TlsPair } from '../tls/tls-pair.ts';
import { noteRefusal, observeRequest, routeOf } from './access-log.ts';
import { AnswerTurns } from './answer-turns.ts';
import { clientOf } from './client-address.ts';
import { type ErrorTable, isUnexpected, type RenderedError, renderError } from './error-rendering.ts';
import { HeldAnswers } from './held-answers.ts';
import { type BoundServer, createHttpServer, DEFAULT_HTTP_LIMITS, type HttpLimits } from './http-server.ts';
import { KnownPaths } from './known-paths.ts';
import type { HttpHandler } from './pipeline.ts';
import { limitInFlight } from './places.ts';
import { BodyReader } from './request-body.ts';
import { awaitsContinue, refusalOfHead } from './request-head.ts';
import { cleanPath, type PathCleaning } from './request-path.ts';

export interface ListenerOptions {
	readonly name: string;
	readonly logger: Logger;
	/** The codes of the service; they come before those of the chassis. */
	readonly errors: ErrorTable;
	readonly family: RefusalFamily;
	readonly maxBodyBytes: number;
	/** Words of the 404 for a path that no route has. */
	readonly notFound?: (request: FastifyRequest) => DomainError;
	/** Last word on a refusal, for an endpoint whose clients expect a shape of its own. */
	readonly render?: (rendered: RenderedError, request: FastifyRequest) => RenderedError;
	/** Answers any origin, without credentials: for public interfaces that pages call. Default false. */
	readonly cors?: boolean;
	/** Response headers that pages may read, beside the ones listed in this file. */
	readonly exposeHeaders?: readonly string[];
	/** Which spellings of its paths a wire knows. Default `leading-slashes`. */
	readonly pathCleaning?: PathCleaning;
	/** Requests being worked on at the same time; more are answered 503. Default 512. */
	readonly maxInFlight?: number;
	/** Sum of the answers over 64 KiB that wait for their clients; half of it for one client. Default 256 MiB. */
	readonly maxHeldAnswerBytes?: number;
	/** Sum of the bodies of all requests under way, from 64 KiB of each on. Default 256 MiB. */
	readonly maxHeldBodyBytes?: number;
	readonly limits?: Partial<HttpLimits>;
	readonly metrics?: Metrics;
}

/** What the chassis keeps on a listener, for `mount` and `startService`. */
export interface ListenerState {
	readonly name: string;
	readonly logger: Logger;
	/** Set by `startService` when the service brings none of its own. */
	metrics: Metrics | undefined;
	/** The process was told to stop: every answer ends its connection, and the listener is not ready. */
	isDraining: boolean;
	/** Which requests have a log line; set by `startService` when the configuration says so. */
	access: AccessLog;
	/** Another server with the same limits in front of the same routes (a second address, or one that speaks TLS). */
	readonly openServer: (tls?: TlsPair) => BoundServer;
	/** The log line of a request names these beside the usual fields (who called, ...). */
	readonly describeRequest: ((request: FastifyRequest) => Record<string, unknown>)[];
	/**
	 * Makes an answer that may be megabytes long when its turn comes; every handler of such answers calls it.
	 * @throws {DomainError} `unavailable` when too many wait, or the client has not taken what was made for it before
	 */
	readonly makeLarge: <T>(request: FastifyRequest, work: () => Promise<T> | T) => Promise<T>;
}

declare module 'fastify' {
	interface FastifyInstance {
		readonly chassis: ListenerState;
	}
	interface FastifyContextConfig {
		/** Asked again and again by machines: a line of its log is for those who look for it. */
		isProbe?: boolean;
		/** Of one route, where it is less than its listener's. */
		maxBodyBytes?: number;
	}
}

const DEFAULT_MAX_IN_FLIGHT = 512;
const DEFAULT_MAX_HELD_BODY_BYTES = 256 * 1024 * 1024;
const DEFAULT_MAX_HELD_ANSWER_BYTES = 256 * 1024 * 1024;
/** Clients that take nothing are cut off in the meantime, or took it. */
const HELD_ANSWERS_RETRY_SECONDS = 5;
/** Entry ids and digests are 160 characters at most; tokens never travel in paths. */
const MAX_PARAM_CHARS = 1024;
const REQUEST_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^[0-9a-f]{32}$/i;
const CORS_HEADERS = 'accept, authorization, content-type, dpop, x-request-id, x-requested-with';
const EXPOSED_HEADERS = [
	'x-request-id',
	'retry-after',
	'location',
	'etag',
	'sct',
	'x-log-index',
	'x-chancery-duplicate',
];

/** Makes a listener that is not yet listening: `startService` or `app.listen` does that, tests use `app.inject`. */
export function createListener(options: ListenerOptions): FastifyInstance {
	const limits: HttpLimits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
	const render = (error: unknown, requestId: string) =>
		renderError(error, { errors: options.errors, family: options.family, requestId });
	const openServer = (handler: HttpHandler, tls?: TlsPair): BoundServer => {
		const refuseConnection = (error: DomainError) => {
			const reqId = randomUUID();
			const rendered = render(error, reqId);
			const { status, code: reason } = rendered;
			state.metrics?.countRefusal({ listener: options.name, route: 'unknown', reason });
			options.logger.info({ listener: options.name, reqId, status, reason }, 'refused what is no request');
			return rendered;
		};
		const answer: HttpHandler = (request, response) => {
			if (state.isDraining) response.shouldKeepAlive = false;
			handler(request, response);
		};
		return createHttpServer(limits, answer, refuseConnection, tls);
	};

	const app: FastifyInstance = fastify({
		loggerInstance: options.logger as FastifyBaseLogger,
		logController: new LogController({ disableRequestLogging: true }),
		serverFactory: (handler) => openServer(handler as HttpHandler) as RawServerDefault,
		// The server itself says `connection: close` during a drain; a 503 of fastify's would have its own shape.
		return503OnClosing: false,
		requestIdHeader: false,
		genReqId: requestId,
		clientErrorHandler: () => undefined,
		rewriteUrl: ({ url }) => cleanPath(url, options.pathCleaning ?? 'leading-slashes'),
		routerOptions: { maxParamLength: MAX_PARAM_CHARS },
		frameworkErrors: (error, request, reply) => {
			stamp(request, reply, options);
			observeRequest(request, reply, state);
			refuse(error, request, reply);
		},
	});
	const answers = new HeldAnswers(options.maxHeldAnswerBytes ?? DEFAULT_MAX_HELD_ANSWER_BYTES);
	const turns = new AnswerTurns();
	/** The length of the longest answer of each route so far: what there must be room for before another one is made. */
	const longest = new Map<string | undefined, number>();
	const state: ListenerState = {
		name: options.name,
		logger: options.logger,
		metrics: options.metrics,
		isDraining: false,
		access: DEFAULT_ACCESS_LOG,
		openServer: (tls) => openServer(app.routing as unknown as HttpHandler, tls),
		describeRequest: [],
		makeLarge: ({ socket, routeOptions }, work) => {
			const client = clientOf(socket.remoteAddress);
			return turns.take(client, () => {
				if (socket.destroyed) throw new DomainError('unavailable', 'the client has left');
				if (!answers.hasRoom(client, longest.get(routeOptions.url) ?? 0)) throw noRoom();
				return work();
			});
		},
	};
	app.decorate('chassis', state);

	const paths = new KnownPaths();
	app.addHook('onRoute', ({ method, url }) => paths.add(url, Array.isArray(method) ? method : [method]));

	function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
		const own = asPassingFailure(fromFramework(error));
		if (isUnexpected(own, options.errors)) request.log.error({ err: own, reqId: request.id }, 'unexpected failure');
		else if (own instanceof DomainError && own.cause !== undefined)
			request.log.info({ err: own.cause, reason: own.code, reqId: request.id }, 'refused because of');
		if (brokenOff.has(request)) reply.raw.shouldKeepAlive = false;
		let rendered = render(own, request.id);
		if (options.render) rendered = options.render(rendered, request);
		noteRefusal(request, rendered.code);
		state.metrics?.countRefusal({ listener: options.name, route: routeOf(request), reason: rendered.code });
		reply.code(rendered.status).headers(rendered.headers).send(Buffer.from(rendered.body));
	}
	app.setErrorHandler(refuse);

	app.addHook('onRequest', (request, reply, done) => {
		stamp(request, reply, options);
		observeRequest(request, reply, state);
		const malformed = refusalOfHead(request.raw);
		if (malformed) {
			// Where its body ends is not certain, or is not for us to say: nothing behind it is read as a request.
			reply.raw.shouldKeepAlive = false;
			done(malformed);
			return;
		}
		if (awaitsContinue(request.raw)) {
			// A body that was never asked for may come all the same: it must not be taken for the next request.
			awaiting.set(request, { reply, keepsAlive: reply.raw.shouldKeepAlive });
			reply.raw.shouldKeepAlive = false;
		}
		if (options.cors && isPreflight(request)) {
			const methods = paths.methodsOf(request.raw.url ?? '/');
			reply
				.header('access-control-allow-methods', (methods.length > 0 ? methods : ['GET', 'HEAD', 'POST']).join(', '))
				.header('access-control-allow-headers', CORS_HEADERS)
				.header('access-control-max-age', '7200')
				.code(204)
				.send();
			return;
		}
		done();
	});

	/** Requests whose client waits to be told to send the body. */
	const awaiting = new WeakMap<FastifyRequest, { readonly reply: FastifyReply; readonly keepsAlive: boolean }>();
	const held = new WeakMap<FastifyRequest, () => void>();
	/** Requests whose body is not read on: their answer ends the connection. */
	const brokenOff = new WeakSet<FastifyRequest>();
	const places = limitInFlight(app, options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT, (request) => {
		held.get(request)?.();
		held.delete(request);
	});

	// After every onRequest hook (an admin listener authenticates there), before a body is read for nobody.
	app.addHook('preParsing', (request, _reply, _payload, done) => {
		if (request.is404) done(unmatched(request, paths, options));
		else done(awaiting.has(request) ? places.refusal() : null);
	});
	app.setNotFoundHandler((request) => {
		throw unmatched(request, paths, options);
	});

	const bodies = new BodyReader({
		maxBodyBytes: options.maxBodyBytes,
		maxHeldBytes: options.maxHeldBodyBytes ?? DEFAULT_MAX_HELD_BODY_BYTES,
	});
	app.removeAllContentTypeParsers();
	const readBody = async (request: FastifyRequest, payload: IncomingMessage): Promise<Uint8Array> => {
		const encoding = request.headers['content-encoding'];
		if (encoding !== undefined && encoding !== 'identity')
			throw new DomainError('unsupported-media-type', 'the body must be sent without a content encoding');
		const length = Number(request.headers['content-length'] ?? Number.NaN);
		const waiting = awaiting.get(request);
		const askForIt =
			waiting &&
			(() => {
				waiting.reply.raw.shouldKeepAlive = waiting.keepsAlive;
				waiting.reply.raw.writeContinue();
			});
		try {
			const { bytes, release } = await bodies.read(
				payload,
				Number.isNaN(length) ? undefined : length,
				askForIt,
				request.routeOptions.config.maxBodyBytes,
			);
			held.set(request, release);
			return bytes;
		} catch (error) {
			// A body that is too long is read on, so that its sender sees why; one in tiny pieces costs what was refused.
			if (error instanceof DomainError && error.code === 'invalid-request') brokenOff.add(request);
			throw error;
		}
	};
	// `*` alone would do, but is looked up anew for each request; what a pattern matched is remembered.
	app.addContentTypeParser(/^/, readBody);
	app.addContentTypeParser('*', readBody);

	app.addHook('onSend', (request, reply, payload, done) => {
		const length = lengthOf(payload);
		if (!answers.counts(length)) {
			done(null, payload);
			return;
		}
		const release = answers.take(clientOf(request.socket.remoteAddress), length);
		if (!release) {
			// What the answer said of itself, how long a cache may keep it for instance, is not true of its refusal.
			for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name);
			stamp(request, reply, options);
			done(noRoom());
			return;
		}
		const { url } = request.routeOptions;
		longest.set(url, Math.max(length, longest.get(url) ?? 0));
		if (reply.raw.closed) release();
		else reply.raw.once('close', release);
		done(null, payload);
	});
	return app;
}

/**
 * A caller's id is taken over when it is a UUID or a trace id of 32 hexadecimal digits, as proxies make them. It stands
 * in every log line of its request, so that nothing goes there that could be a token.
 */
function requestId(request: { headers: IncomingMessage['headers'] }): string {
	const given = request.headers['x-request-id'];
	return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

function stamp(request: FastifyRequest, reply: FastifyReply, options: ListenerOptions): void {
	reply.header('x-request-id', request.id);
	reply.header('x-content-type-options', 'nosniff');
	if (!options.cors) return;
	reply.header('access-control-allow-origin', '*');
	reply.header('access-control-expose-headers', [...EXPOSED_HEADERS, ...(options.exposeHeaders ?? [])].join(', '));
}

function noRoom(): DomainError {
	return new DomainError('unavailable', 'too many large answers wait for their clients; try again', {
		retryAfterSeconds: HELD_ANSWERS_RETRY_SECONDS,
	});
}

/** Answers are bytes or text; a stream, which no route sends, is held by nobody. */
function lengthOf(payload: unknown): number {
	if (typeof payload === 'string') return Buffer.byteLength(payload);
	return payload instanceof Uint8Array ? payload.length : 0;
}

function isPreflight(request: FastifyRequest): boolean {
	return (
		request.method === 'OPTIONS' &&
		request.headers.origin !== undefined &&
		request.headers['access-control-request-method'] !== undefined
	);
}

function unmatched(request: FastifyRequest, paths: KnownPaths, options: ListenerOptions): DomainError {
	const methods = paths.methodsOf(request.raw.url ?? '/');
	if (methods.length > 0 && !methods.includes(request.method))
		return new DomainError('method-not-allowed', 'Method Not Allowed', { headers: { allow: methods.join(', ') } });
	return options.notFound?.(request) ?? new DomainError('not-found', 'Not Found');
}

/** Fastify's own refusals in our codes; anything else passes unchanged. */
function fromFramework(error: unknown): unknown {
	if (error instanceof DomainError || !(error instanceof Error)) return error;
	const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
	if (typeof code !== 'string' || !code.startsWith('FST_')) return error;
	if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
		return new DomainError('unsupported-media-type', 'the content type is not valid');
	if (code === 'FST_ERR_BAD_URL') return new DomainError('malformed-request', 'the URL is not valid');
	if (code === 'FST_ERR_MAX_PARAM_LENGTH') return new DomainError('not-found', 'Not Found');
	if (code === 'FST_ERR_NOT_FOUND') return new DomainError('not-found', 'Not Found');
	if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
		return new DomainError('invalid-request', 'the request is not valid', { cause: error });
	return error;
}
