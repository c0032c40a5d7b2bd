/**
 * A route defined once: the server mounts it, the client calls it, the documentation is printed from it.
 */
import type { z } from 'zod';

/** What a body is when it is not JSON. */
export type RawBody = 'text' | 'bytes' | 'none';

/** A JSON body is described by its schema, everything else by how it is carried. */
export type BodyShape = z.ZodType | RawBody;

export interface Route {
	readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	/** Path with `:name` parameters and an optional closing `*`, as fastify writes it. */
	readonly path: string;
	/** One sentence for the documentation. */
	readonly summary: string;
	readonly params?: z.ZodType;
	readonly query?: z.ZodType;
	/** Request body; absent means that none is read. */
	readonly body?: BodyShape;
	/** Media type of a raw request body; absent means the shape's own. */
	readonly bodyType?: string;
	/** Success replies by status. Refusals are rendered by the wire family and are not listed. */
	readonly replies: Readonly<Record<number, BodyShape>>;
	/** Media type of raw bodies of successes; absent means the shape's own. */
	readonly replyType?: string;
	/**
	 * Whether a bearer token is needed. Absent: on admin listeners it is, on others it is not. `optional`: without one less
	 * is answered, and one that is not known is refused.
	 */
	readonly bearer?: boolean | 'optional';
}

/** Keeps the literal types of a route, so that `call` and `mount` know each part. */
export function route<const R extends Route>(definition: R): R {
	return definition;
}

/** The value a shape stands for after parsing. */
export type BodyOf<S> = S extends z.ZodType
	? z.output<S>
	: S extends 'text'
		? string
		: S extends 'bytes'
			? Uint8Array
			: undefined;

/** The value a shape accepts before parsing: what a client writes. */
export type BodyInput<S> = S extends z.ZodType
	? z.input<S>
	: S extends 'text'
		? string
		: S extends 'bytes'
			? Uint8Array
			: undefined;

type Parsed<S> = S extends z.ZodType ? z.output<S> : undefined;

/** What a handler receives: everything parsed once, at the edge. */
export interface RouteInput<R extends Route> {
	readonly params: Parsed<R['params']>;
	readonly query: Parsed<R['query']>;
	readonly body: BodyOf<R['body']>;
}

/** One of the success replies of a route. */
export type RouteReply<R extends Route> = {
	[Status in keyof R['replies'] & number]: {
		readonly status: Status;
		readonly headers?: Readonly<Record<string, string>>;
		readonly body: BodyOf<R['replies'][Status]>;
	};
}[keyof R['replies'] & number];
