/**
 * Puts a route of `wire` on a listener: everything is parsed once by the schemas of the route, the handler sees only
 * parsed values, and its reply is written by the schema too, so that field order and encodings are those of the wire.
 */
import type { BodyOf, BodyShape, Route, RouteInput } from '@chancery/wire/route';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { describeProblems } from '../describe-problems.ts';
import { DomainError } from '../domain-error.ts';
import type { AdminRole } from './admin.ts';
import { parseJsonBody } from './json-body.ts';

export interface MountOptions {
	/**
	 * Refuse a JSON body whose media type is not JSON (415); `when-named` lets a body without a media type through.
	 * Default false: many clients send none, or whatever their library makes of a string.
	 */
	readonly requireJson?: boolean | 'when-named';
	/** Whom the route is for, which each route of an admin listener must say. */
	readonly roles?: readonly AdminRole[];
	/** Refuses by the head alone: before a body is read, and before a client that waits for that is told to send it. */
	readonly beforeBody?: (request: FastifyRequest) => void;
	/** Less than the listener takes: for a route whose requests are small beside those of its neighbours. */
	readonly maxBodyBytes?: number;
	/** What an absent JSON body stands for (grpc-gateway: the empty message). Default: it is refused. */
	readonly emptyBody?: 'refuse' | 'empty-object';
}

/** A reply as a handler writes it: `RouteReply` of `wire`, with values that need not be mutable. */
export type Reply<R extends Route> = {
	[Status in keyof R['replies'] & number]: {
		readonly status: Status;
		readonly headers?: Readonly<Record<string, string>>;
		readonly body?: Frozen<BodyOf<R['replies'][Status]>>;
	} & (undefined extends BodyOf<R['replies'][Status]>
		? object
		: { readonly body: Frozen<BodyOf<R['replies'][Status]>> });
}[keyof R['replies'] & number];

type Frozen<T> = T extends Uint8Array | Date ? T : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const JSON_TYPE = /^application\/([a-z0-9.!#$&^_-]+\+)?json\s*(;|$)/i;

/** Mounts `route` on `app`; `GET` also answers `HEAD`. */
export function mount<R extends Route, const A extends Reply<R> = Reply<R>>(
	app: FastifyInstance,
	route: R,
	handler: (input: RouteInput<R>, request: FastifyRequest) => Promise<A> | A,
	options: MountOptions = {},
): void {
	app.route({
		method: route.method,
		url: route.path,
		config: {
			...(options.roles ? { roles: options.roles } : {}),
			...(options.maxBodyBytes === undefined ? {} : { maxBodyBytes: options.maxBodyBytes }),
		},
		preParsing: (request, _reply, _payload, done) => {
			try {
				refuseMediaType(route, request, options);
				options.beforeBody?.(request);
				done();
			} catch (error) {
				done(error as DomainError);
			}
		},
		handler: async (request, reply) => {
			const input = {
				params: route.params && parsePart('path', route.params, request.params),
				query: route.query && parsePart('query', route.query, request.query),
				body: parseBody(route, request, options),
			} as RouteInput<R>;
			const answer = await handler(input, request);
			return send(route, reply, answer);
		},
	});
}

function parsePart(where: string, schema: z.ZodType, value: unknown): unknown {
	const result = schema.safeParse(value);
	if (!result.success)
		throw new DomainError('invalid-request', `the ${where} is not valid: ${describeProblems(result.error)}`);
	return result.data;
}

function parseBody(route: Route, request: FastifyRequest, options: MountOptions): unknown {
	const shape = route.body;
	if (shape === undefined || shape === 'none') return undefined;
	// Absent when the request has no body at all: the listener's parser always makes bytes.
	const bytes = request.body as Uint8Array | undefined;
	if (shape === 'bytes') return bytes ?? new Uint8Array();
	if (shape === 'text') return parseText(bytes ?? new Uint8Array());
	if (options.emptyBody === 'empty-object' && (bytes === undefined || bytes.length === 0))
		return parsePart('body', shape, {});
	return parsePart('body', shape, parseJsonBody(bytes));
}

function refuseMediaType(route: Route, request: FastifyRequest, options: MountOptions): void {
	if (route.body === undefined || typeof route.body === 'string') return;
	if (!isAcceptedType(request.headers['content-type'], options.requireJson))
		throw new DomainError('unsupported-media-type', 'the content type must be application/json');
}

function isAcceptedType(type: string | undefined, required: MountOptions['requireJson']): boolean {
	if (!required) return true;
	return type === undefined ? required === 'when-named' : JSON_TYPE.test(type);
}

function parseText(bytes: Uint8Array): string {
	try {
		return UTF8.decode(bytes);
	} catch {
		throw new DomainError('invalid-request', 'the body is not valid UTF-8');
	}
}

function send(route: Route, reply: FastifyReply, answer: object): FastifyReply {
	const { status, headers, body } = answer as {
		status: number;
		headers?: Record<string, string>;
		body: unknown;
	};
	const shape = route.replies[status];
	if (shape === undefined) throw new Error(`${route.method} ${route.path} has no reply ${status}`);
	const encoded = encodeReply(route, shape, body);
	const rawType = typeof shape === 'string' && status < 400 ? route.replyType : undefined;
	reply.code(status);
	if (headers) reply.headers(headers);
	if (encoded === undefined) return reply.send();
	reply.header('content-type', rawType ?? encoded.contentType);
	return reply.send(encoded.bytes);
}

/** Buffers, because fastify would add a charset to the media type of a JSON string and some clients compare it whole. */
function encodeReply(
	route: Route,
	shape: BodyShape,
	body: unknown,
): { bytes: Buffer; contentType: string } | undefined {
	if (shape === 'none') return undefined;
	if (shape === 'text') return { bytes: Buffer.from(body as string), contentType: 'text/plain; charset=utf-8' };
	if (shape === 'bytes') {
		const view = body as Uint8Array;
		return {
			bytes: Buffer.from(view.buffer, view.byteOffset, view.byteLength),
			contentType: 'application/octet-stream',
		};
	}
	try {
		return { bytes: Buffer.from(JSON.stringify(z.encode(shape, body))), contentType: 'application/json' };
	} catch (cause) {
		// Our own mistake, not the client's: a plain error, so that it becomes a 500 with its cause in the log.
		throw new Error(`the reply of ${route.method} ${route.path} breaks its schema`, { cause });
	}
}
