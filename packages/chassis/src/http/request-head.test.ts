/** Heads that nobody may act upon, and clients that wait before they send a body: with real sockets. */
import { route } from '@chancery/wire/route';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { listenerWith, portOf } from '../../test/echo-listener.ts';
import { openSocket, rawRequest } from '../../test/raw-request.ts';
import { DomainError } from '../domain-error.ts';
import { mount } from './mount.ts';

const head = (line: string, ...headers: string[]) => `${[line, ...headers].join('\r\n')}\r\n\r\n`;
const POST = 'POST /echo HTTP/1.1';
const CHUNKS = '1\r\na\r\n0\r\n\r\n';
const NOT_HTTP: readonly [string, string, number][] = [
	['no Host', head('GET /things/1 HTTP/1.1'), 400],
	['two Hosts', head('GET /things/1 HTTP/1.1', 'Host: a', 'Host: a'), 400],
	['two Hosts in HTTP/1.0', head('GET /things/1 HTTP/1.0', 'Host: a', 'Host: b'), 400],
	['a Host that is none', head('GET /things/1 HTTP/1.1', 'Host: a b'), 400],
	['a Host with a path', head('GET /things/1 HTTP/1.1', 'Host: a/b'), 400],
	['HTTP/0.9', 'GET /things/1\r\n\r\n', 400],
	['HTTP/1.2', head('GET /things/1 HTTP/1.2', 'Host: a'), 400],
	['HTTP/2.0', head('GET /things/1 HTTP/2.0', 'Host: a'), 400],
	['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
	['a coding before chunked', head(POST, 'Host: a', 'Transfer-Encoding: gzip, chunked') + CHUNKS, 501],
	[
		'codings in two lines',
		head(POST, 'Host: a', 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked') + CHUNKS,
		501,
	],
	['a coding on GET', head('GET /things/1 HTTP/1.1', 'Host: a', 'Transfer-Encoding: gzip, chunked') + CHUNKS, 501],
	['a coding for nobody', head('POST /nothing HTTP/1.1', 'Host: a', 'Transfer-Encoding: gzip, chunked') + CHUNKS, 501],
	['another coding', head(POST, 'Host: a', 'Transfer-Encoding: gzip') + CHUNKS, 501],
	['a coding after chunked', head(POST, 'Host: a', 'Transfer-Encoding: chunked, gzip') + CHUNKS, 400],
	['chunked twice', head(POST, 'Host: a', 'Transfer-Encoding: chunked, chunked') + CHUNKS, 400],
	['identity', `${head(POST, 'Host: a', 'Transfer-Encoding: identity', 'Content-Length: 1')}a`, 400],
	['an empty coding', head(POST, 'Host: a', 'Transfer-Encoding: ') + CHUNKS, 400],
	['chunks in HTTP/1.0', head('POST /echo HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked') + CHUNKS, 400],
	['a folded line', head('GET /things/1 HTTP/1.1', 'Host: a', 'X: b', ' c'), 400],
	['a folded coding', head(POST, 'Host: a', 'Transfer-Encoding:', ' chunked') + CHUNKS, 400],
	['bare line ends', 'GET /things/1 HTTP/1.1\nHost: a\n\n', 400],
	['bare line ends in chunks', `${head(POST, 'Host: a', 'Transfer-Encoding: chunked')}1\na\n0\n\n`, 400],
	['a space before the colon', head('GET /things/1 HTTP/1.1', 'Host : a'), 400],
	['a NUL in a header', head('GET /things/1 HTTP/1.1', 'Host: a', 'X: a\0b'), 400],
	['a signed length', `${head(POST, 'Host: a', 'Content-Length: +1')}a`, 400],
	['a list of lengths', `${head(POST, 'Host: a', 'Content-Length: 1, 1')}a`, 400],
	['a length of 23 digits', `${head(POST, 'Host: a', `Content-Length: ${'9'.repeat(23)}`)}a`, 400],
	['a tunnel', head('CONNECT a.example:443 HTTP/1.1', 'Host: a.example:443'), 501],
	['another expectation', `${head(POST, 'Host: a', 'Expect: 200-ok', 'Content-Length: 1')}a`, 417],
	['two expectations', `${head(POST, 'Host: a', 'Expect: 100-continue, x', 'Content-Length: 1')}a`, 417],
];

describe('a request that is no HTTP', () => {
	it.each(NOT_HTTP)('is refused in the shape of the family: %s', async (_, text, status) => {
		// A wire that calls an invalid request 422 means requests: what is no HTTP is 400 everywhere.
		const errors = { 'invalid-request': { status: 422, title: 'Invalid' } };
		const { app } = listenerWith({ errors });
		const answer = await rawRequest(await portOf(app), text);
		expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
		expect(answer.toLowerCase()).toContain('connection: close');
		const body = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
		expect(body).toMatchObject({ code: status, message: expect.any(String), requestId: expect.any(String) });
	});

	it.each(NOT_HTTP)('is the last of its connection: %s', async (_, text) => {
		const { app } = listenerWith();
		const answer = await rawRequest(await portOf(app), text + head('GET /things/1 HTTP/1.1', 'Host: a'));
		expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
		expect(answer).not.toContain('thing 1');
	});
});

describe('a client that waits for 100 Continue', () => {
	const asks = (path: string, length: number, ...headers: string[]) =>
		head(`POST ${path} HTTP/1.1`, 'Host: a', 'Expect: 100-Continue', `Content-Length: ${length}`, ...headers);

	it('is told to send a body that is wanted, and keeps its connection', async () => {
		const { app } = listenerWith();
		const socket = await openSocket(await portOf(app), asks('/echo', 3));
		let answer = '';
		socket.setEncoding('utf8').on('data', (chunk: string) => {
			answer += chunk;
		});
		await expect.poll(() => answer).toBe('HTTP/1.1 100 Continue\r\n\r\n');
		socket.write('abc');
		await expect.poll(() => answer).toMatch(/200 OK[\s\S]*\r\n\r\nabc$/);
		answer = '';
		socket.write(head('GET /things/1 HTTP/1.1', 'Host: a', 'Connection: close'));
		await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*thing 1$/);
	});

	it.each<[string, string, number]>([
		['a body over the limit', asks('/echo', 99_999_999), 413],
		['no route', asks('/nothing', 3), 404],
		['another method', asks('/things/1', 3), 405],
		['a compressed body', asks('/echo', 3, 'Content-Encoding: gzip'), 415],
		['a malformed media type', asks('/echo', 3, 'Content-Type: ;;'), 415],
		['another media type', asks('/json-only', 3, 'Content-Type: text/plain'), 415],
		['a refusal by the head', asks('/refused-by-head', 3), 409],
		['a request in vain', asks('/things/1', 3).replace('POST', 'GET'), 200],
	])('has its final answer at once: %s', async (_, text, status) => {
		const { app } = listenerWith();
		const json = route({
			method: 'POST',
			path: '/json-only',
			summary: '',
			body: z.object({}),
			replies: { 200: 'none' },
		});
		mount(app, json, () => ({ status: 200 }), { requireJson: true });
		const byHead = { ...json, path: '/refused-by-head' };
		const beforeBody = () => {
			throw new DomainError('entry-refused', 'not this one');
		};
		mount(app, byHead, () => ({ status: 200 }), { beforeBody });
		// The body never comes: whoever waits for it, or reads on, waits until the connection is cut.
		const answer = await rawRequest(await portOf(app), text);
		expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual([`HTTP/1.1 ${status}`]);
		expect(answer.toLowerCase()).toContain('connection: close');
	});

	it('has 503 at once when there is no place, or no room for its body', async () => {
		const { app } = listenerWith({ maxInFlight: 1, maxBodyBytes: 1e6, maxHeldBodyBytes: 1000 });
		app.get('/never', () => new Promise(() => undefined));
		const port = await portOf(app);
		expect(await rawRequest(port, asks('/echo', 900_000))).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 1/);
		await openSocket(port, head('GET /never HTTP/1.1', 'Host: a'));
		await expect.poll(() => rawRequest(port, asks('/echo', 3))).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: 1/);
	});

	it('in HTTP/1.0 waits for nothing', async () => {
		const { app } = listenerWith();
		const text = head('POST /echo HTTP/1.0', 'Expect: 100-continue', 'Content-Length: 3');
		expect(await rawRequest(await portOf(app), `${text}abc`)).toMatch(/^HTTP\/1\.1 200 /);
	});
});
