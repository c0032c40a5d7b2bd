/**
 * OpenAPI 3.1 of a listener from its routes (https://spec.openapis.org/oas/v3.1.1.html). Its schemas are JSON Schema
 * draft 2020-12, the dialect of 3.1, and describe what is on the wire: text where the program has bytes or numbers.
 */
import { z } from 'zod';
import type { DocumentedListener } from './listeners.ts';
import { REFUSALS } from './refusal.ts';
import type { BodyShape, RawBody, Route } from './route.ts';

type Json = Record<string, unknown>;

const RAW_TYPES: Readonly<Record<Exclude<RawBody, 'none'>, string>> = {
	text: 'text/plain; charset=utf-8',
	bytes: 'application/octet-stream',
};

const STATUS_NAMES: Readonly<Record<number, string>> = {
	200: 'OK',
	201: 'Created',
	404: 'Not Found',
	503: 'Service Unavailable',
};

/**
 * The document of one listener.
 * @throws {Error} when a route has a path parameter without a schema, or a reply whose status has no name here
 */
export function describeListener(listener: DocumentedListener, version: string): Json {
	const paths: Record<string, Record<string, Json>> = {};
	for (const [operationId, route] of Object.entries(listener.routes)) {
		const path = templateOf(route.path);
		paths[path] ??= {};
		const method = route.method.toLowerCase();
		const other = paths[path][method];
		if (other) addRequestType(other, route);
		else paths[path][method] = describeOperation(operationId, route, listener);
	}
	const needsBearer = Object.values(listener.routes).some((route) => isBearer(route, listener));
	return {
		openapi: '3.1.1',
		info: {
			title: `Chancery: ${listener.title}`,
			version,
			description: `${listener.description} \`GET\` also answers \`HEAD\`.`,
			license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
		},
		servers: [
			{
				url: '{baseUrl}',
				variables: {
					baseUrl: {
						default: listener.defaultUrl,
						description: 'Where the listener answers, without a trailing slash',
					},
				},
			},
		],
		tags: [{ name: listener.title, description: listener.description }],
		paths,
		components: {
			responses: { Refusal: describeRefusal(listener) },
			...(needsBearer ? { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } } : {}),
		},
	};
}

/** As it is kept in a file. */
export function renderDocument(document: Json): string {
	return `${JSON.stringify(document, null, 2)}\n`;
}

/** `/a/:b` as `/a/{b}`; what `*` stands for may contain slashes and is called `path`. */
export function templateOf(path: string): string {
	return path.replace(/:([a-zA-Z0-9]+)/g, '{$1}').replace(/\*$/, '{path}');
}

function isBearer(route: Route, { listener }: DocumentedListener): boolean {
	return route.bearer === undefined ? listener === 'admin' : route.bearer !== false;
}

/** An empty requirement beside another one says that the other may be left out (OpenAPI 3.1.1 section 4.8.30). */
function securityOf(route: Route, listener: DocumentedListener): Json[] {
	if (!isBearer(route, listener)) return [];
	return route.bearer === 'optional' ? [{}, { bearer: [] }] : [{ bearer: [] }];
}

function describeOperation(operationId: string, route: Route, listener: DocumentedListener): Json {
	const parameters = [...pathParameters(route), ...queryParameters(route)];
	const requestBody = describeRequest(route);
	return {
		operationId,
		summary: route.summary,
		tags: [listener.title],
		security: securityOf(route, listener),
		...(parameters.length > 0 ? { parameters } : {}),
		...(requestBody ? { requestBody } : {}),
		responses: { ...describeReplies(route), default: { $ref: '#/components/responses/Refusal' } },
	};
}

function describeReplies(route: Route): Json {
	return Object.fromEntries(
		Object.entries(route.replies).map(([status, shape]) => {
			const description = STATUS_NAMES[Number(status)];
			if (description === undefined) throw new Error(`${route.path} replies ${status}, which has no name here`);
			const content = contentOf(shape, Number(status) < 400 ? route.replyType : undefined);
			return [status, { description, ...(content ? { content } : {}) }];
		}),
	);
}

function describeRequest(route: Route): { required: true; content: Json } | undefined {
	const content = route.body === undefined ? undefined : contentOf(route.body, route.bodyType);
	return content && { required: true, content };
}

/** The same operation with a body of another media type. */
function addRequestType(operation: Json, route: Route): void {
	const { content } = operation.requestBody as { content: Json };
	Object.assign(content, describeRequest(route)?.content);
}

/** Media type -> schema; bytes have none. `rawType` is the type of a body that is not JSON, where it is not the usual one. */
function contentOf(shape: BodyShape, rawType: string | undefined): Json | undefined {
	if (shape === 'none') return undefined;
	if (shape === 'bytes') return { [rawType ?? RAW_TYPES.bytes]: {} };
	if (shape === 'text') return { [rawType ?? RAW_TYPES.text]: { schema: { type: 'string' } } };
	return { 'application/json': { schema: schemaOf(shape) } };
}

function describeRefusal({ refusals }: DocumentedListener): Json {
	const { contentType, body } = REFUSALS[refusals];
	const header = (description: string, type: string) => ({ description, schema: { type } });
	return {
		description: 'The request is refused; the status says in which way, and the body why.',
		headers: {
			'X-Request-Id': header('Names the request in the log of the service', 'string'),
			'Retry-After': header('With 429 and 503: seconds after which a repeat makes sense', 'integer'),
		},
		content: { [contentType]: { schema: schemaOf(body) } },
	};
}

function pathParameters(route: Route): Json[] {
	const names = [...route.path.matchAll(/:([a-zA-Z0-9]+)|(\*)$/g)].map(([, name, rest]) => name ?? rest ?? '');
	const { properties = {} } = (route.params ? schemaOf(route.params) : {}) as { properties?: Json };
	return names.map((name) => {
		const schema = properties[name];
		if (schema === undefined) throw new Error(`${route.path} has no schema for ${name}`);
		if (name !== '*') return { name, in: 'path', required: true, schema };
		return { name: 'path', in: 'path', required: true, description: 'May contain slashes, as they are', schema };
	});
}

function queryParameters(route: Route): Json[] {
	if (!route.query) return [];
	const { properties, required = [] } = schemaOf(route.query) as {
		properties: Record<string, Json>;
		required?: string[];
	};
	return Object.entries(properties).map(([name, { description, ...schema }]) => ({
		name,
		in: 'query',
		required: required.includes(name),
		...(description ? { description } : {}),
		schema: ofParameter(schema),
	}));
}

/** Callers may pass a number or its decimal text: in a query both are the number. */
function ofParameter(schema: Json): unknown {
	const { anyOf, ...rest } = schema as { anyOf?: Json[] };
	const number = anyOf?.find(({ type }) => type === 'integer');
	return number ? { ...number, ...rest } : schema;
}

/** JSON Schema of what is on the wire. */
function schemaOf(schema: z.ZodType): Json {
	const { $schema, ...json } = z.toJSONSchema(schema, {
		target: 'draft-2020-12',
		io: 'input',
		override: ({ zodSchema, jsonSchema }) => {
			// A message in proto3 JSON comes as anything, because members have two names: shown is the spelling that we write.
			const def = (zodSchema as z.core.$ZodTypes)._zod.def;
			if (def.type === 'pipe' && (def.in as z.core.$ZodTypes)._zod.def.type === 'unknown')
				Object.assign(jsonSchema, schemaOf(def.out as z.ZodType));
		},
	});
	return json;
}
