/** Lines of requests, at a listener that really listens: found by the id that the client got, and never longer than it made them. */
import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { listenerWith, portOf } from '../../test/echo-listener.ts';
import { rawRequest } from '../../test/raw-request.ts';
import { createMetrics } from '../metrics.ts';

const FIELDS = 'bytes client level listener method ms msg name reqId route status time'.split(' ');

/** Lines of requests, once there are as many as were made. */
async function linesOf(captured: { events(): Record<string, unknown>[] }, count: number) {
	const lines = () => captured.events().filter(({ msg }) => msg === 'request');
	await expect.poll(() => lines().length).toBe(count);
	return lines();
}

describe('the line of a request', () => {
	it('is found by the id that its client got, and says what was answered to whom', async () => {
		const { app, captured } = listenerWith();
		const url = `http://127.0.0.1:${await portOf(app)}`;
		const reply = await fetch(`${url}/echo`, { method: 'POST', body: 'twelve bytes' });
		const [line] = await linesOf(captured, 1);
		expect(Object.keys(line!).sort()).toEqual(FIELDS);
		expect(line).toMatchObject({
			level: 'info',
			listener: 'public',
			reqId: reply.headers.get('x-request-id'),
			method: 'POST',
			route: '/echo',
			status: 200,
			bytes: 12,
			client: '127.0.0.1',
		});
		expect(line?.ms).toBeGreaterThanOrEqual(0);
	});

	it('says the code of a refusal, the one that the client reads', async () => {
		const { app, captured } = listenerWith();
		const reply = await fetch(`http://127.0.0.1:${await portOf(app)}/refuse`, { method: 'POST' });
		const { reason, requestId } = (await reply.json()) as { reason: string; requestId: string };
		expect(reason).toBe('entry-refused');
		expect(await linesOf(captured, 1)).toEqual([expect.objectContaining({ reqId: requestId, status: 409, reason })]);
	});

	it('says 499 when the client did not wait', async () => {
		const { app, captured } = listenerWith();
		let isAsked = false;
		app.post('/slow', () => {
			isAsked = true;
			return new Promise(() => undefined);
		});
		const request = httpRequest({ port: await portOf(app), path: '/slow', method: 'POST' });
		request.on('error', () => undefined);
		request.end();
		await expect.poll(() => isAsked).toBe(true);
		request.destroy();
		expect(await linesOf(captured, 1)).toEqual([expect.objectContaining({ route: '/slow', status: 499 })]);
	});
});

describe('what a client sends', () => {
	const FORGED = '{"level":"fatal","msg":"forged"}';

	it('is in no line: neither paths, queries, headers nor ids of its own making', async () => {
		const { app, captured } = listenerWith();
		const port = await portOf(app);
		const escaped = encodeURIComponent(`\n${FORGED}\r\n\u0000\u2028`);
		await rawRequest(
			port,
			`GET /things/${escaped.replace('%00', '')}?token=secret-7f3a HTTP/1.1\r\nHost: rebound.example\r\n` +
				`User-Agent: agent-7f3a\r\nX-Request-Id: id-7f3a ${FORGED}\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n`,
		);
		await rawRequest(port, `GET /${'long-7f3a'.repeat(1000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
		const lines = await linesOf(captured, 2);
		expect(lines.map(({ route, status, client }) => [route, status, client])).toEqual([
			['/things/:id', 200, '127.0.0.1'],
			['unknown', 404, '127.0.0.1'],
		]);
		const text = captured.lines.join('');
		expect(text).not.toMatch(/7f3a|forged|rebound|6\.6\.6\.6/);
		for (const line of captured.lines) {
			expect(line.length).toBeLessThan(600);
			expect(line.indexOf('\n')).toBe(line.length - 1);
		}
	});

	it.each([
		['no HTTP', 'hello\r\n\r\n', 400, 'malformed-request'],
		['a head that is too long', `GET / HTTP/1.1\r\nX: ${'7f3a'.repeat(8000)}\r\n\r\n`, 431, 'headers-too-large'],
		[
			'a path that is none',
			'GET /things/%7f3a%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
			400,
			'malformed-request',
		],
		['a tunnel', 'CONNECT 7f3a:443 HTTP/1.1\r\nHost: 7f3a:443\r\n\r\n', 501, 'not-implemented'],
	])('has a line and is counted also when it is %s', async (_, bytes, status, reason) => {
		const metrics = createMetrics('svc');
		const { app, captured } = listenerWith({ metrics });
		const answer = await rawRequest(await portOf(app), bytes);
		const id = /^x-request-id: (\S+)/im.exec(answer)?.[1];
		expect(id).toMatch(/^[0-9a-f-]{36}$/);
		const found = () => captured.events().filter(({ reqId }) => reqId === id);
		await expect.poll(() => found().length).toBe(1);
		expect(found()).toEqual([expect.objectContaining({ level: 'info', listener: 'public', status, reason })]);
		expect(captured.lines.join('')).not.toContain('7f3a');
		expect(await metrics.print()).toContain(
			`http_refusals_total{listener="public",route="unknown",reason="${reason}",service="svc"} 1`,
		);
	});
});

describe('which requests have a line', () => {
	it.each([
		['all', ['GET 200 info', 'POST 200 info', 'GET 404 info', 'POST 500 error']],
		['writes-and-errors', ['GET 200 debug', 'POST 200 info', 'GET 404 info', 'POST 500 error']],
		['errors', ['GET 200 debug', 'POST 200 debug', 'GET 404 info', 'POST 500 error']],
	] as const)('%s', async (access, expected) => {
		const { app, captured } = listenerWith();
		app.chassis.access = access;
		for (const [method, url] of [
			['GET', '/things/1'],
			['POST', '/echo'],
			['GET', '/nowhere'],
			['POST', '/fail'],
		] as const)
			await app.inject({ method, url });
		const lines = await linesOf(captured, 4);
		expect(lines.map(({ method, status, level }) => `${method} ${status} ${level}`)).toEqual(expected);
	});

	it('an administration that changes something always has one', async () => {
		const { app, captured } = listenerWith();
		app.chassis.access = 'errors';
		app.chassis.describeRequest.push(() => ({ audit: true, caller: 'operations' }));
		await app.inject({ method: 'POST', url: '/echo' });
		expect(await linesOf(captured, 1)).toEqual([
			expect.objectContaining({ level: 'info', audit: true, caller: 'operations' }),
		]);
	});
});
