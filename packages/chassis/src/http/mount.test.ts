import { type BodyShape, type Route, route } from '@chancery/wire/route';
import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { captureLog } from '../../test/captured-log.ts';
import { createListener } from './listener.ts';
import { mount } from './mount.ts';

const captured = captureLog();

function listener(): FastifyInstance {
	return createListener({
		name: 'public',
		logger: captured.logger,
		errors: {},
		family: 'code-message',
		maxBodyBytes: 10_000,
	});
}

const create = route({
	method: 'POST',
	path: '/entries/:kind',
	summary: 'Create',
	params: z.object({ kind: z.enum(['dsse', 'hashedrekord']) }),
	query: z.object({ limit: z.coerce.number().int().max(10).optional() }),
	body: z.object({ digest: z.base64().transform((text) => Uint8Array.fromBase64(text)), note: z.string().optional() }),
	replies: { 201: z.object({ b: z.number(), a: z.string() }), 202: 'none' },
});

function withCreate(options?: Parameters<typeof mount>[3]): FastifyInstance {
	const app = listener();
	mount(
		app,
		create,
		({ params, query, body }) => {
			if (query.limit === 0) return { status: 202 };
			return { status: 201, headers: { location: '/x' }, body: { a: params.kind, b: body.digest.length } };
		},
		options,
	);
	return app;
}

const post = (app: FastifyInstance, url: string, payload: string, headers: Record<string, string> = {}) =>
	app.inject({ method: 'POST', url, payload, headers });

describe('a mounted route', () => {
	it('hands over parsed values and answers in the order of its schema, with exactly its media type', async () => {
		const reply = await post(withCreate(), '/entries/dsse?limit=3', '{"digest":"AAEC"}');
		expect(reply.statusCode).toBe(201);
		expect(reply.body).toBe('{"b":3,"a":"dsse"}');
		expect(reply.headers['content-type']).toBe('application/json');
		expect(reply.headers.location).toBe('/x');
	});

	it('answers a reply without body as such', async () => {
		const reply = await post(withCreate(), '/entries/dsse?limit=0', '{"digest":""}');
		expect([reply.statusCode, reply.body, reply.headers['content-type']]).toEqual([202, '', undefined]);
	});

	it.each<[string, string, string, string, RegExp]>([
		[
			'an unknown parameter',
			'/entries/cose',
			'{"digest":"AA=="}',
			'invalid-request',
			/^the path is not valid: .*kind/s,
		],
		[
			'a query out of range',
			'/entries/dsse?limit=11',
			'{"digest":"AA=="}',
			'invalid-request',
			/^the query is not valid: .*limit/s,
		],
		['a query given twice', '/entries/dsse?limit=1&limit=2', '{"digest":"AA=="}', 'invalid-request', /^the query/],
		[
			'a body of another shape',
			'/entries/dsse',
			'{"digest":7}',
			'invalid-request',
			/^the body is not valid: .*digest/s,
		],
		['a body that is a list', '/entries/dsse', '[]', 'invalid-request', /^the body is not valid/],
		['a body that is no JSON', '/entries/dsse', '{digest}', 'invalid-json', /not valid JSON/],
		['no body', '/entries/dsse', '', 'invalid-json', /required/],
	])('refuses %s with 400 and says where', async (_, url, payload, reason, words) => {
		const reply = await post(withCreate(), url, payload);
		expect(reply.statusCode).toBe(400);
		expect(reply.json().reason).toBe(reason);
		expect(reply.json().message).toMatch(words);
	});

	it('does not quote the values that it refuses', async () => {
		const reply = await post(withCreate(), '/entries/dsse', '{"digest":"eyJsecret!"}');
		expect(reply.statusCode).toBe(400);
		expect(reply.body).not.toContain('eyJsecret');
	});

	it('may insist on JSON only where a media type is named', async () => {
		const app = withCreate({ requireJson: 'when-named' });
		const statusOf = async (headers: Record<string, string>) =>
			(await post(app, '/entries/dsse', '{"digest":"AAEC"}', headers)).statusCode;
		expect(await statusOf({})).toBe(201);
		expect(await statusOf({ 'content-type': 'application/json; charset=utf-8' })).toBe(201);
		expect(await statusOf({ 'content-type': 'text/plain' })).toBe(415);
	});

	it('cares for the media type only when told to', async () => {
		const form = { 'content-type': 'application/x-www-form-urlencoded' };
		expect((await post(withCreate(), '/entries/dsse', '{"digest":""}', form)).statusCode).toBe(201);
		const strict = withCreate({ requireJson: true });
		expect((await post(strict, '/entries/dsse', '{"digest":""}', form)).statusCode).toBe(415);
		for (const type of [
			'application/json',
			'application/json; charset=utf-8',
			'Application/JSON',
			'application/vnd.x+json',
		])
			expect((await post(strict, '/entries/dsse', '{"digest":""}', { 'content-type': type })).statusCode).toBe(201);
	});

	it('may read an absent body as the empty message', async () => {
		const app = listener();
		const empty = route({
			method: 'POST',
			path: '/empty',
			summary: 'Empty',
			body: z.object({ n: z.number().default(5) }),
			replies: { 200: z.object({ n: z.number() }) },
		});
		mount(app, empty, ({ body }) => ({ status: 200, body }), { emptyBody: 'empty-object' });
		expect((await app.inject({ method: 'POST', url: '/empty' })).json()).toEqual({ n: 5 });
	});

	it.each<[string, BodyShape, string | Uint8Array, string | undefined, string, string]>([
		['text', 'text', 'grüße', undefined, 'text/plain; charset=utf-8', 'grüße'],
		['bytes', 'bytes', Uint8Array.of(1, 2, 3).subarray(1), undefined, 'application/octet-stream', '\u0002\u0003'],
		['PEM', 'text', '-----BEGIN', 'application/x-pem-file', 'application/x-pem-file', '-----BEGIN'],
	])('answers %s with its media type', async (_, shape, body, replyType, expectedType, expected) => {
		const app = listener();
		const replies = { 200: shape };
		const raw: Route = { method: 'GET', path: '/raw', summary: 'Raw', replies, ...(replyType ? { replyType } : {}) };
		mount(app, raw, () => ({ status: 200, body }));
		const reply = await app.inject('/raw');
		expect([reply.headers['content-type'], reply.body]).toEqual([expectedType, expected]);
	});

	it('hands over raw bodies, and refuses text that is not UTF-8', async () => {
		const app = listener();
		const paths = { bytes: '/bytes', text: '/text' } as const;
		mount(
			app,
			route({ method: 'POST', path: paths.bytes, summary: 'B', body: 'bytes', replies: { 200: 'text' } }),
			({ body }) => ({
				status: 200,
				body: body.toHex(),
			}),
		);
		mount(
			app,
			route({ method: 'POST', path: paths.text, summary: 'T', body: 'text', replies: { 200: 'text' } }),
			({ body }) => ({
				status: 200,
				body: `<${body}>`,
			}),
		);
		const send = (url: string, payload?: Buffer) =>
			app.inject({ method: 'POST', url, ...(payload ? { payload } : {}) });
		expect((await send(paths.bytes, Buffer.from([0, 255]))).body).toBe('00ff');
		expect((await send(paths.bytes)).body).toBe('');
		expect((await send(paths.text)).body).toBe('<>');
		expect((await send(paths.text, Buffer.from([0xff]))).statusCode).toBe(400);
	});

	it.each<[string, unknown]>([
		['breaks the schema', { status: 200, body: { n: 'x' } }],
		['has no schema', { status: 299, body: {} }],
	])('answers 500 when a reply %s, and logs why', async (_, wrong) => {
		const app = listener();
		const broken: Route = {
			method: 'GET',
			path: '/broken',
			summary: 'B',
			replies: { 200: z.object({ n: z.number() }) },
		};
		mount(app, broken, () => wrong as { status: number });
		const reply = await app.inject('/broken');
		expect([reply.statusCode, reply.json().message]).toEqual([500, 'internal error']);
		expect(captured.lines.at(-2)).toContain('GET /broken');
	});

	it('writes values through the codecs of its schema', async () => {
		const base64 = z.codec(z.base64(), z.instanceof(Uint8Array<ArrayBuffer>), {
			decode: (text) => Uint8Array.fromBase64(text),
			encode: (bytes) => bytes.toBase64(),
		});
		const app = listener();
		const coded = route({ method: 'GET', path: '/coded', summary: 'C', replies: { 200: z.object({ hash: base64 }) } });
		mount(app, coded, () => ({ status: 200, body: { hash: Uint8Array.of(1, 2, 3) } }));
		expect((await app.inject('/coded')).body).toBe('{"hash":"AQID"}');
	});
});
