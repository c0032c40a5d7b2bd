import type { InjectOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { listenerWith, portOf } from '../../test/echo-listener.ts';
import { openSocket, rawRequest } from '../../test/raw-request.ts';
import { DomainError } from '../domain-error.ts';
import { createMetrics } from '../metrics.ts';

describe('a refusal before any handler', () => {
	it.each<
		[string, { method: string; url: string; headers?: Record<string, string>; payload?: string }, number, string]
	>([
		['an unknown path', { method: 'GET', url: '/nothing' }, 404, 'not-found'],
		['an unknown path with a body', { method: 'POST', url: '/nothing', payload: '{' }, 404, 'not-found'],
		['a wrong method', { method: 'DELETE', url: '/things/1' }, 405, 'method-not-allowed'],
		['a method nobody has', { method: 'PROPFIND', url: '/echo' }, 405, 'method-not-allowed'],
		['a broken escape in the path', { method: 'GET', url: '/things/%zz' }, 400, 'malformed-request'],
		['bytes that are not UTF-8 in the path', { method: 'GET', url: '/things/%ff%fe' }, 400, 'malformed-request'],
		['a NUL in the path', { method: 'GET', url: '/things/a%00b' }, 400, 'malformed-request'],
		['a broken escape in the query', { method: 'GET', url: '/things/1?a=%' }, 400, 'malformed-request'],
		['an endless parameter', { method: 'GET', url: `/things/${'x'.repeat(5000)}` }, 404, 'not-found'],
		['a body that is too long', { method: 'POST', url: '/echo', payload: 'x'.repeat(1001) }, 413, 'body-too-large'],
		[
			'a compressed body',
			{ method: 'POST', url: '/echo', payload: 'x', headers: { 'content-encoding': 'gzip' } },
			415,
			'unsupported-media-type',
		],
		[
			'a malformed content type',
			{ method: 'POST', url: '/echo', payload: 'x', headers: { 'content-type': ';;' } },
			415,
			'unsupported-media-type',
		],
	])('has the shape of the family: %s', async (_, request, status, reason) => {
		const { app } = listenerWith();
		const reply = await app.inject(request as InjectOptions);
		expect(reply.headers['content-type']).toBe('application/json');
		expect(reply.json()).toEqual({
			code: status,
			message: expect.any(String),
			reason,
			requestId: reply.headers['x-request-id'],
		});
		expect(reply.statusCode).toBe(status);
	});

	it('names the methods that the path has', async () => {
		const { app } = listenerWith();
		expect((await app.inject({ method: 'PUT', url: '/things/1' })).headers.allow).toBe('GET, HEAD');
		expect((await app.inject({ method: 'GET', url: '/echo' })).headers.allow).toBe('POST');
	});

	it('may have words of its own for an unknown path, and a shape of its own', async () => {
		const { app } = listenerWith({
			notFound: (request) => new DomainError('not-found', `path ${request.url} was not found`),
			render: (rendered) => ({ ...rendered, headers: { ...rendered.headers, 'x-shape': 'own' } }),
		});
		const reply = await app.inject({ url: '/nothing' });
		expect(reply.json().message).toBe('path /nothing was not found');
		expect(reply.headers['x-shape']).toBe('own');
	});
});

describe('bytes that are not a request', () => {
	it.each<[string, string, number]>([
		['no HTTP', 'hello\r\n\r\n', 400],
		['a bad chunk', 'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
		['two lengths', 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
		[
			'length and chunks',
			'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
			400,
		],
		['huge headers', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
		['headers that stop', 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ', 408],
		['a body that stops', 'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc', 408],
		['no Host', 'GET /things/1 HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
	])('are answered in the shape of the family: %s', async (_, text, status) => {
		const { app } = listenerWith({
			limits: { headersTimeoutMs: 200, requestTimeoutMs: 300, checkIntervalMs: 50 },
		});
		const answer = await rawRequest(await portOf(app), text);
		expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
		expect(answer.toLowerCase()).toContain('connection: close');
		const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
		expect(body).toMatchObject({ code: status, message: expect.any(String), requestId: expect.any(String) });
	});

	it('do not cut into an answer that is under way', async () => {
		const { app } = listenerWith();
		const port = await portOf(app);
		const answer = await rawRequest(port, 'GET /things/1 HTTP/1.1\r\nHost: a\r\n\r\ngarbage\r\n\r\n');
		expect(answer.match(/HTTP\/1\.1 /g)?.length).toBeLessThanOrEqual(2);
		expect(answer).not.toMatch(/thing 1HTTP\/1.1 200/);
	});

	it('a body that is too long is refused also when the client first writes all of it', async () => {
		const { app } = listenerWith();
		const text = `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1900\r\n\r\n${'x'.repeat(1900)}`;
		expect(await rawRequest(await portOf(app), text)).toMatch(/^HTTP\/1.1 413 /);
	});

	it('a body that is far too long is refused in words that its sender still reads', async () => {
		const { app } = listenerWith();
		const url = `http://127.0.0.1:${await portOf(app)}/echo`;
		const reply = await fetch(url, { method: 'POST', body: 'x'.repeat(5 * 1024 * 1024) });
		expect([reply.status, await reply.json()]).toEqual([413, expect.objectContaining({ reason: 'body-too-large' })]);
	});

	it('a body without end is cut off', async () => {
		const { app } = listenerWith();
		const head = 'POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
		expect(await rawRequest(await portOf(app), head + `400\r\n${'x'.repeat(1024)}\r\n`.repeat(40))).toMatch(
			/^HTTP\/1.1 413 /,
		);
	});
});

describe('a request', () => {
	it('brings its body as the bytes that came', async () => {
		const { app } = listenerWith();
		const payload = Buffer.from([0, 255, 128, 10, 13]);
		for (const type of ['application/json', 'text/plain', 'application/x-made-up', undefined]) {
			const headers = type === undefined ? {} : { 'content-type': type };
			const reply = await app.inject({ method: 'POST', url: '/echo', payload, headers });
			expect(reply.rawPayload).toEqual(payload);
		}
	});

	it('may have a body of exactly the bound, in pieces', async () => {
		const { app } = listenerWith();
		const pieces = Array.from({ length: 10 }, () => `64\r\n${'y'.repeat(100)}\r\n`).join('');
		const head = 'POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n';
		const answer = await rawRequest(await portOf(app), `${head}${pieces}0\r\n\r\n`);
		expect(answer).toMatch(/^HTTP\/1.1 200 /);
		expect(answer).toContain('y'.repeat(1000));
	});

	it.each([
		['5f0d3c9e-3b0a-4a51-9c55-0a8d3c1be0f2', true],
		['abc-123', false],
		['d'.repeat(64), false],
		['SplxlOBeZQQYbYS6WxSbIA', false],
		['0af7651916cd43dd8448eb211c80319c', true],
		['a b', false],
		['x'.repeat(65), false],
		['"><script>', false],
		['\u00e9', false],
	])('keeps its own id %j: %s', async (id, kept) => {
		const { app } = listenerWith();
		const reply = await app.inject({ url: '/things/1', headers: { 'x-request-id': id } });
		const answered = reply.headers['x-request-id'];
		if (kept) expect(answered).toBe(id);
		else expect(answered).toMatch(/^[0-9a-f-]{36}$/);
	});

	it('is answered on HEAD as on GET, without the body', async () => {
		const { app } = listenerWith();
		const [get, head] = [
			await app.inject({ url: '/things/1' }),
			await app.inject({ method: 'HEAD', url: '/things/1' }),
		];
		expect(head.statusCode).toBe(200);
		expect(head.headers['content-length']).toBe(get.headers['content-length']);
		expect(head.rawPayload).toHaveLength(0);
	});
});

describe('cross-origin calls', () => {
	const preflight = {
		method: 'OPTIONS' as const,
		url: '/echo',
		headers: { origin: 'https://search.example', 'access-control-request-method': 'POST' },
	};

	it('are answered on a public interface, refusals included', async () => {
		const { app } = listenerWith({ cors: true, exposeHeaders: ['x-own'] });
		const reply = await app.inject(preflight);
		expect(reply.statusCode).toBe(204);
		expect(reply.headers).toMatchObject({
			'access-control-allow-origin': '*',
			'access-control-allow-methods': 'POST',
			'access-control-allow-headers': expect.stringContaining('content-type'),
		});
		for (const url of ['/things/1', '/nothing', '/things/%zz'])
			expect((await app.inject({ url })).headers).toMatchObject({
				'access-control-allow-origin': '*',
				'access-control-expose-headers': expect.stringMatching(/x-request-id.*x-own/),
			});
	});

	it('are not answered elsewhere', async () => {
		const { app } = listenerWith();
		const reply = await app.inject(preflight);
		expect(reply.statusCode).toBe(405);
		expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
	});
});

describe('failures', () => {
	it('that nobody expected say nothing to the client and all to the log', async () => {
		const { app, captured } = listenerWith();
		const reply = await app.inject({ method: 'POST', url: '/fail' });
		expect(reply.json()).toMatchObject({ code: 500, message: 'internal error', reason: 'internal' });
		expect(reply.body).not.toContain('hunter2');
		const logged = captured.events().find(({ msg }) => msg === 'unexpected failure');
		expect(logged).toMatchObject({ level: 'error', reqId: reply.headers['x-request-id'] });
		expect(JSON.stringify(logged?.err)).toContain('the database said');
	});

	it('of the database to be there are a reason to come back, wherever a request met them', async () => {
		const { app, captured } = listenerWith();
		const reply = await app.inject({ method: 'POST', url: '/database-away' });
		expect(reply.json()).toMatchObject({ code: 503, reason: 'unavailable' });
		expect(reply.headers['retry-after']).toBe('1');
		expect(reply.body).not.toContain('starting up');
		expect(JSON.stringify(captured.events())).toContain('starting up');
	});

	it('of the domain keep their cause for the log', async () => {
		const { app, captured } = listenerWith();
		const reply = await app.inject({ method: 'POST', url: '/refuse' });
		expect([reply.statusCode, reply.json().message]).toEqual([409, 'no']);
		expect(reply.body).not.toContain('inner reason');
		expect(JSON.stringify(captured.events())).toContain('inner reason');
	});

	it('are one log line and one measurement per request, by pattern and without query', async () => {
		const metrics = createMetrics('svc');
		const { app, captured } = listenerWith({ metrics });
		await app.inject({
			method: 'POST',
			url: '/refuse?code=oauth-secret',
			headers: { authorization: 'Bearer abcdefghijk' },
		});
		await app.inject({ url: '/things/very-private?x=1' });
		await app.inject({ url: '/made/up/path' });
		const lines = captured.events().filter(({ msg }) => msg === 'request');
		expect(lines.map(({ method, route, status, level }) => [method, route, status, level])).toEqual([
			['POST', '/refuse', 409, 'info'],
			['GET', '/things/:id', 200, 'debug'],
			['GET', 'unknown', 404, 'info'],
		]);
		expect(captured.lines.join('')).not.toMatch(/oauth-secret|abcdefghijk|very-private|made\/up/);
		const text = await metrics.print();
		expect(text).toMatch(/http_request_duration_seconds_count\{.*method="POST",route="\/refuse",status="409"\} 1/);
		expect(text).toMatch(/http_refusals_total\{.*route="\/refuse",reason="entry-refused".*\} 1/);
		expect(text).toMatch(/http_refusals_total\{.*route="unknown",reason="not-found".*\} 1/);
		expect(text).not.toMatch(/very-private|made\/up/);
	});
});

describe('a wrong method on a wire that calls it 501', () => {
	it("is the client's mistake in the log", async () => {
		const errors = { 'method-not-allowed': { status: 501, title: 'Method Not Allowed', grpcCode: 12 } };
		const { app, captured } = listenerWith({ errors, family: 'grpc-gateway' });
		expect((await app.inject({ method: 'PUT', url: '/echo' })).statusCode).toBe(501);
		expect(captured.events()).toEqual([expect.objectContaining({ msg: 'request', status: 501, level: 'info' })]);
	});
});

describe('a busy listener', () => {
	it('refuses more than it has room for with 503 and Retry-After, and takes again when work is done', async () => {
		const { app } = listenerWith({ maxInFlight: 2 });
		const waiting: (() => void)[] = [];
		app.get('/slow', () => new Promise((resolve) => waiting.push(() => resolve('done'))));
		const first = [app.inject('/slow'), app.inject('/slow')];
		await expect.poll(() => waiting.length).toBe(2);
		const refused = await app.inject('/things/1');
		expect(refused.statusCode).toBe(503);
		expect(refused.headers['retry-after']).toBe('1');
		expect(refused.json()).toMatchObject({ code: 503, reason: 'unavailable' });
		for (const finish of waiting) finish();
		expect((await Promise.all(first)).map(({ statusCode }) => statusCode)).toEqual([200, 200]);
		await expect.poll(async () => (await app.inject('/things/1')).statusCode).toBe(200);
	});

	it('keeps the place of a request whose client has left until its work is done', async () => {
		const { app } = listenerWith({ maxInFlight: 1 });
		const waiting: (() => void)[] = [];
		app.get('/slow', () => new Promise((resolve) => waiting.push(() => resolve('done'))));
		const port = await portOf(app);
		const socket = await openSocket(port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
		await expect.poll(() => waiting.length).toBe(1);
		socket.destroy();
		await expect.poll(() => new Promise((resolve) => app.server.getConnections((_, n) => resolve(n)))).toBe(0);
		expect((await app.inject('/things/1')).statusCode).toBe(503);
		waiting[0]?.();
		await expect.poll(async () => (await app.inject('/things/1')).statusCode).toBe(200);
	});

	const UNCOUNTED = 64 * 1024;
	const posting = (path: string, length: number) =>
		`POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
	const post = async (port: number, path: string, length: number) =>
		(await rawRequest(port, posting(path, length) + 'x'.repeat(length))).split('\r\n')[0];

	it('refuses large bodies beyond what it may hold at once, and only while it holds them', async () => {
		const { app } = listenerWith({ maxHeldBodyBytes: 1500, maxBodyBytes: 100_000 });
		const port = await portOf(app);
		const length = UNCOUNTED + 900;
		const holder = await openSocket(port, posting('/echo', length) + 'x'.repeat(length - 100));
		await expect.poll(() => post(port, '/echo', length)).toBe('HTTP/1.1 503 Service Unavailable');
		// Whoever keeps large bodies back keeps out no small ones.
		expect(await post(port, '/echo', UNCOUNTED)).toBe('HTTP/1.1 200 OK');
		holder.destroy();
		await expect.poll(() => post(port, '/echo', length)).toBe('HTTP/1.1 200 OK');
	});

	it('holds a body until its request is answered, also when its client has left', async () => {
		const { app } = listenerWith({ maxHeldBodyBytes: 1500, maxBodyBytes: 100_000 });
		const waiting: (() => void)[] = [];
		app.post('/slow', () => new Promise((resolve) => waiting.push(() => resolve('done'))));
		const port = await portOf(app);
		const length = UNCOUNTED + 900;
		const leaver = await openSocket(port, posting('/slow', length) + 'x'.repeat(length));
		await expect.poll(() => waiting.length).toBe(1);
		leaver.destroy();
		await expect.poll(() => new Promise((resolve) => app.server.getConnections((_, n) => resolve(n)))).toBe(0);
		expect(await post(port, '/echo', length)).toBe('HTTP/1.1 503 Service Unavailable');
		waiting[0]?.();
		await expect.poll(() => post(port, '/echo', length)).toBe('HTTP/1.1 200 OK');
		// Answered one after the other they never add up.
		for (let i = 0; i < 5; i++) expect(await post(port, '/echo', length)).toBe('HTTP/1.1 200 OK');
	});

	it('drops connections beyond its bound', async () => {
		const { app } = listenerWith({ limits: { maxConnections: 1 } });
		const port = await portOf(app);
		const first = await openSocket(port);
		await expect.poll(() => new Promise((resolve) => app.server.getConnections((_, n) => resolve(n)))).toBe(1);
		const answer = await rawRequest(port, 'GET /things/1 HTTP/1.1\r\nHost: a\r\n\r\n').catch(() => '');
		expect(answer).toBe('');
		first.destroy();
	});
});
