import { gzipSync } from 'node:zlib';
import { base64Bytes, int64String } from '@chancery/wire/proto-json';
import { route } from '@chancery/wire/route';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answering, type LoopbackServer, startLoopbackServer } from '../test/loopback-server.ts';
import { CallError, call } from './call.ts';

let server: LoopbackServer;
beforeAll(async () => {
	server = await startLoopbackServer();
});
afterAll(() => server.close());
beforeEach(() => {
	server.received.length = 0;
});

const readItem = route({
	method: 'GET',
	path: '/items/:id',
	summary: 'One item.',
	params: z.object({ id: z.string() }),
	query: z.object({ size: z.number().optional(), name: z.string().optional() }),
	replies: { 200: z.object({ size: int64String, content: base64Bytes }), 204: 'none' },
});
const readText = route({ method: 'GET', path: '/text', summary: 'A text.', replies: { 200: 'text' } });
const readFile = route({
	method: 'GET',
	path: '/files/*',
	summary: 'A file.',
	params: z.object({ '*': z.string() }),
	replies: { 200: 'bytes' },
});
const createItem = route({
	method: 'POST',
	path: '/items',
	summary: 'A new item.',
	body: z.object({ content: z.string() }),
	replies: { 201: z.object({ id: z.int() }) },
});
const sendBytes = route({
	method: 'POST',
	path: '/bytes',
	summary: 'Bytes.',
	body: 'bytes',
	bodyType: 'application/x-bytes',
	replies: { 200: 'bytes' },
});
const sendText = route({ method: 'PUT', path: '/text', summary: 'A text.', body: 'text', replies: { 204: 'none' } });

const options = { fetch };
const text = (extra = {}) => call(readText, server.url, {}, { ...options, ...extra });

/** The error of a call that must fail. */
async function failureOf(attempt: Promise<unknown>): Promise<CallError> {
	const error = await attempt.then(
		() => undefined,
		(thrown: unknown) => thrown,
	);
	if (!(error instanceof CallError)) throw error ?? new Error('the call succeeded');
	return error;
}

describe('a call', () => {
	it('sends path, query and headers, and decodes the reply by its schema', async () => {
		server.answer = answering(200, '{"size":"42","content":"AQI=","more":1}', { 'x-a': 'b' });
		const input = { params: { id: 'a b/c?d#é' }, query: { size: 3 } };
		const reply = await call(readItem, `${server.url}/base/`, input, {
			...options,
			headers: { authorization: 'Bearer x' },
		});
		expect(reply).toMatchObject({ status: 200, body: { size: 42, content: Uint8Array.of(1, 2) } });
		expect(reply.headers.get('x-a')).toBe('b');
		const [request] = server.received;
		expect(request?.url).toBe('/base/items/a%20b%2Fc%3Fd%23%C3%A9?size=3');
		expect(request?.headers).toMatchObject({ accept: 'application/json', authorization: 'Bearer x' });
		expect(request?.body).toHaveLength(0);
	});

	it('sends JSON, bytes and text under their types', async () => {
		server.answer = answering(201, '{"id":7}');
		await call(createItem, server.url, { body: { content: 'ä' } }, options);
		server.answer = answering(200, Uint8Array.of(0xff));
		const { body } = await call(sendBytes, server.url, { body: Uint8Array.of(0, 1) }, options);
		expect(body).toEqual(Uint8Array.of(0xff));
		server.answer = answering(204);
		expect((await call(sendText, server.url, { body: 'ä' }, options)).body).toBeUndefined();
		expect(server.received.map(({ method, headers, body }) => [method, headers['content-type'], [...body]])).toEqual([
			['POST', 'application/json', [...Buffer.from('{"content":"ä"}')]],
			['POST', 'application/x-bytes', [0, 1]],
			['PUT', 'text/plain; charset=utf-8', [...Buffer.from('ä')]],
		]);
	});

	it('keeps the slashes of a closing path, and nothing else', async () => {
		server.answer = answering(200, 'x');
		await call(readFile, server.url, { params: { '*': 'tile/0/x001/067.p/5?x' } }, options);
		expect(server.received[0]?.url).toBe('/files/tile/0/x001/067.p/5%3Fx');
	});

	it.each(['..', '.', 'a/../b', '../admin', 'a/..', './a', '\ud800'])('does not leave its path by %j', async (path) => {
		const file = await failureOf(call(readFile, server.url, { params: { '*': path } }, options));
		expect(file.message).toContain('GET /files/* cannot be sent');
		const item = await failureOf(call(readItem, server.url, { params: { id: path }, query: {} }, options));
		expect(item.status).toBeUndefined();
		expect(server.received).toHaveLength(0);
	});

	it.each([
		'',
		'nowhere',
		'file:///etc/passwd',
		'data:text/plain,x',
		'ftp://127.0.0.1',
		'http://',
		'http:',
		'//127.0.0.1',
	])('does not go to %j', async (baseUrl) => {
		expect((await failureOf(call(readText, baseUrl, {}, options))).message).toContain('no web address');
	});
});

describe('a reply', () => {
	it.each([
		['is no JSON', 'no JSON'],
		['is cut off', '{"size":"1","content":"'],
		['is not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
		['lacks a field', '{"size":"1"}'],
		['has a field of another type', '{"size":true,"content":""}'],
		['has a number out of range', '{"size":"-1","content":""}'],
		['has no base64', '{"size":"1","content":"%"}'],
		['is empty', ''],
	])('that %s is an error, with the status that came', async (_what, body) => {
		server.answer = answering(200, body);
		const error = await failureOf(call(readItem, server.url, { params: { id: '1' }, query: {} }, options));
		expect(error.message).toMatch(/^GET http:\/\/127\.0\.0\.1:[0-9]+\/items\/1 failed: /);
		expect(error.cause).toBeDefined();
	});

	it.each([301, 302, 303, 307, 308])('that redirects (%d) is not followed, not even with a body', async (status) => {
		server.answer = answering(status, '', { location: `${server.url}/elsewhere` });
		await failureOf(text());
		await failureOf(call(createItem, server.url, { body: { content: '' } }, options));
		expect(server.received.map(({ url }) => url)).toEqual(['/text', '/items']);
	});

	it.each([200, 202, 204, 304, 400, 404, 409, 500, 503])(
		'with status %d that the route does not have is an error',
		async (status) => {
			server.answer = answering(status);
			const error = await failureOf(call(createItem, server.url, { body: { content: '' } }, options));
			expect(error).toMatchObject({ status, serverMessage: '' });
			expect(error.message).toMatch(new RegExp(`^POST .*/items answered ${status}$`));
		},
	);

	it('is read to its bound and no further, also when it is compressed', async () => {
		server.answer = answering(200, 'x'.repeat(1000));
		expect((await text({ maxReplyBytes: 1000 })).body).toHaveLength(1000);
		expect((await failureOf(text({ maxReplyBytes: 999 }))).message).toContain('longer than 999 bytes');
		server.answer = answering(200, gzipSync(Buffer.alloc(10_000_000)), { 'content-encoding': 'gzip' });
		expect((await failureOf(text({ maxReplyBytes: 100_000 }))).message).toContain('longer than 100000 bytes');
	});

	it('without end is given up at the bound', async () => {
		server.answer = (_request, response) => {
			response.writeHead(200);
			const chunk = Buffer.alloc(65_536, 'x');
			const pour = () => {
				while (!response.destroyed && response.write(chunk));
				if (!response.destroyed) response.once('drain', pour);
			};
			pour();
		};
		expect((await failureOf(text())).message).toContain('longer than 10485760 bytes');
	});

	it('that does not come, or stops in the middle, is given up in time', async () => {
		server.answer = () => undefined;
		const never = await failureOf(text({ timeoutMs: 50 }));
		expect(never.message).toContain('no answer in time');
		server.answer = (_request, response) => {
			response.writeHead(200);
			response.write('x');
		};
		expect((await failureOf(text({ timeoutMs: 50 }))).message).toContain('no answer in time');
	});

	it('that is cut off is an error', async () => {
		server.answer = (_request, response) => {
			response.writeHead(200, { 'content-length': '100' });
			response.write('x', () => response.destroy());
		};
		expect((await failureOf(text())).status).toBeUndefined();
	});

	it('is not waited for when the caller gives up', async () => {
		server.answer = () => undefined;
		const signal = AbortSignal.timeout(20);
		await failureOf(text({ signal }));
		await failureOf(text({ signal: AbortSignal.abort() }));
	});

	it('from nobody is an error that says so', async () => {
		const closed = await startLoopbackServer();
		await closed.close();
		const error = await failureOf(call(readText, closed.url, {}, options));
		expect(error).toMatchObject({ status: undefined, serverMessage: '' });
		expect(error.message).toContain('ECONNREFUSED');
	});
});

describe('the words of a refusal', () => {
	it.each([
		['{"code":3,"message":"no such entry","details":[]}', 'no such entry'],
		['{"type":"about:blank","title":"x","detail":"the reason"}', 'the reason'],
		['{"message":"one","detail":"two"}', 'one'],
		['plain words', 'plain words'],
		['  plain\r\n\twords\u0000 ', 'plain words'],
		['{"message":"a\\u001b[31mb\\u0007\\u202ec"}', 'a [31mb c'],
		['{"message":7}', '{"message":7}'],
		['{}', ''],
		['[1]', '[1]'],
		['', ''],
		['{"message":', '{"message":'],
	])('%j are read as %j', async (body, words) => {
		server.answer = answering(400, body);
		const error = await failureOf(text());
		expect(error.serverMessage).toBe(words);
		expect(error.message).toBe(`${error.request} answered 400${words ? `: ${words}` : ''}`);
	});

	it.each([
		['3', 3000],
		[' 120 ', 120_000],
		['0', 0],
		['-1', undefined],
		['1.5', undefined],
		['9999999999', undefined],
		['Sun, 06 Nov 1994 08:49:37 GMT', 0],
		['Sun, 31 Feb 2094 08:49:37 GMT', undefined],
		['', undefined],
	])('with Retry-After %j ask to stay away for %s ms', async (retryAfter, ms) => {
		server.answer = answering(503, '', { 'retry-after': retryAfter, location: '/there' });
		expect(await failureOf(text())).toMatchObject({ status: 503, retryAfterMs: ms, location: '/there' });
	});

	it('are bounded, whoever chose them', async () => {
		const long = 'x'.repeat(1_000_000);
		for (const body of [long, JSON.stringify({ message: long }), Buffer.alloc(200_000, 0xff)]) {
			server.answer = answering(500, body);
			expect((await failureOf(text())).message.length).toBeLessThan(700);
		}
	});

	it('do not repeat the credentials that we sent', async () => {
		const bearer = 'a-secret-between-two-services';
		const token = 'eyJhbGciOiJFUzI1NiJ9.eyJlbWFpbCI6ImFAYi5jIn0.c2lnbmF0dXJl';
		server.answer = answering(401, JSON.stringify({ message: `unknown: ${bearer}, ${token}` }));
		const error = await failureOf(text({ headers: { authorization: `Bearer ${bearer}` } }));
		expect(error.serverMessage).toBe('unknown: [redacted], [redacted]');
		expect(error.message).not.toContain(bearer);
	});

	it('that break a schema are bounded and printable as well', async () => {
		const strict = route({
			method: 'GET',
			path: '/',
			summary: 'Strict.',
			replies: { 200: z.strictObject({ a: z.enum(['b']).optional() }) },
		});
		const names = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`\u001b[2J${i}`, 1]));
		for (const body of [JSON.stringify(names), '{"\u001b[2J', `{"a":"${'\u0007'.repeat(10)}"}`]) {
			server.answer = answering(200, body);
			const { message } = await failureOf(call(strict, server.url, {}, options));
			expect(message.length).toBeLessThan(700);
			expect(message).not.toMatch(/\p{Cc}/u);
		}
	});
});
