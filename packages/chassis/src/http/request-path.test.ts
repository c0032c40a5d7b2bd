import type { FastifyInstance } from 'fastify';
import { describe, expect, it } from 'vitest';
import { listenerWith, portOf } from '../../test/echo-listener.ts';
import { rawRequest } from '../../test/raw-request.ts';
import { cleanPath } from './request-path.ts';

describe('a path', () => {
	it.each([
		// As asked, where only the front is cleaned, where all slashes are: as Go's path.Clean, but for dot segments.
		['/api/v1/log', '/api/v1/log', '/api/v1/log'],
		['//api/v1/log', '/api/v1/log', '/api/v1/log'],
		['////api/v1/log?a=//b/', '/api/v1/log?a=//b/', '/api/v1/log?a=//b/'],
		['/api//v1/log', '/api//v1/log', '/api/v1/log'],
		['/api/v1/log/', '/api/v1/log/', '/api/v1/log'],
		['/api/v1/log///?q=/', '/api/v1/log///?q=/', '/api/v1/log?q=/'],
		['/', '/', '/'],
		['//', '/', '/'],
		['/?a', '/?a', '/?a'],
		['//?a', '/?a', '/?a'],
		['*', '*', '*'],
		['/a/../b', '/a/../b', '/a/../b'],
		['//../a', '/../a', '/../a'],
		['/./a', '/./a', '/./a'],
		['/%2fapi', '/%2fapi', '/%2fapi'],
		['/a%2f%2fb/', '/a%2f%2fb/', '/a%2f%2fb'],
		['/%2e%2e/a', '/%2e%2e/a', '/%2e%2e/a'],
		['//other.example/a', '/other.example/a', '/other.example/a'],
		['http://host.example:80//a//b/?q', '/a//b/?q', '/a/b?q'],
		['HTTPS://host.example', '/', '/'],
		['http://host.example?q', '/?q', '/?q'],
	])('%s is cleaned as far as its wire says', (target, leading, all) => {
		expect(cleanPath(target, 'leading-slashes')).toBe(leading);
		expect(cleanPath(target, 'all-slashes')).toBe(all);
		// What is clean stays as it is: nothing is reached by cleaning twice.
		expect(cleanPath(leading, 'leading-slashes')).toBe(leading);
		expect(cleanPath(all, 'all-slashes')).toBe(all);
	});

	it('of slashes alone is cleaned in time that grows with its length', () => {
		expect(cleanPath(`${'/'.repeat(16_000)}a${'/'.repeat(16_000)}`, 'all-slashes')).toBe('/a');
	});
});

const head = (line: string, ...headers: string[]) => `${[line, ...headers].join('\r\n')}\r\n\r\n`;

describe('a path with more slashes than it needs', () => {
	const statuses = async (app: FastifyInstance, urls: string[]) =>
		Promise.all(urls.map(async (url) => (await app.inject({ url })).statusCode));

	it('is the path without them at its front, on every listener', async () => {
		const { app } = listenerWith();
		expect(await statuses(app, ['//things/1', '////things/1'])).toEqual([200, 200]);
		expect(await statuses(app, ['/things/1/', '/things//1', '//things//1'])).toEqual([404, 404, 404]);
		const port = await portOf(app);
		const post = head('POST //echo HTTP/1.1', 'Host: a', 'Connection: close', 'Content-Length: 3');
		expect(await rawRequest(port, `${post}abc`)).toMatch(/^HTTP\/1\.1 200 [\s\S]*abc$/);
		const absolute = head('GET http://a//things/1 HTTP/1.1', 'Host: a', 'Connection: close');
		expect(await rawRequest(port, absolute)).toMatch(/^HTTP\/1\.1 200 [\s\S]*thing 1$/);
	});

	it('is the path without them anywhere, where the wire cleans paths', async () => {
		const { app } = listenerWith({ pathCleaning: 'all-slashes' });
		expect(await statuses(app, ['//things/1', '/things//1', '/things/1/', '//things//1//'])).toEqual([
			200, 200, 200, 200,
		]);
		const port = await portOf(app);
		for (const path of ['/things/../things/1', '/things%2f1', '/./things/1', '/x/..//things/1', '/%2e/things/1'])
			expect(await rawRequest(port, head(`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close'))).toMatch(
				/^HTTP\/1\.1 404 /,
			);
	});

	it('says which methods it has', async () => {
		const { app } = listenerWith();
		expect((await app.inject({ method: 'PUT', url: '//things/1' })).headers.allow).toBe('GET, HEAD');
	});
});
