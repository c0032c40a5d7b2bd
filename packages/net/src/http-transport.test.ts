import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpTransport } from './http-transport.ts';

let server: Server | undefined;
let connections = 0;

async function serve(listener: RequestListener): Promise<URL> {
	connections = 0;
	server = createServer(listener).on('connection', () => connections++);
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/path?query`);
}

afterEach(() => {
	server?.closeAllConnections();
	server?.close();
});

const LIMITS = { timeoutMs: 5_000, maxReplyBytes: 1_000 };
const text = ({ bytes }: { readonly bytes: Uint8Array }) => Buffer.from(bytes).toString();

describe('the transport between services', () => {
	it('carries method, headers and body there, and status, headers and bytes back', async () => {
		const url = await serve((request, response) => {
			const chunks: Buffer[] = [];
			request.on('data', (chunk) => chunks.push(chunk));
			request.on('end', () => {
				response.writeHead(418, { 'x-answer': 'yes', 'set-cookie': ['a=1', 'b=2'] });
				response.write('said: ');
				response.end(`${request.method} ${request.url} ${request.headers['x-question']} ${Buffer.concat(chunks)}`);
			});
		});
		const send = createHttpTransport();
		const reply = await send({ method: 'POST', url, headers: { 'x-question': 'what' }, body: 'grüße', ...LIMITS });
		expect(reply.status).toBe(418);
		expect(reply.headers.get('x-answer')).toBe('yes');
		expect(reply.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
		expect(text(reply)).toBe('said: POST /path?query what grüße');
		expect(text(await send({ method: 'GET', url, headers: {}, ...LIMITS }))).toBe('said: GET /path?query undefined ');
	});

	it('keeps connections open, and opens a bounded number of them', async () => {
		const url = await serve(async (_, response) => {
			await pause(5);
			response.end('ok');
		});
		const send = createHttpTransport();
		const call = () => send({ method: 'GET', url, headers: {}, ...LIMITS });
		for (let i = 0; i < 10; i++) await call();
		expect(connections).toBe(1);
		const replies = await Promise.all(Array.from({ length: 300 }, call));
		expect(replies.every((reply) => text(reply) === 'ok')).toBe(true);
		expect(connections).toBe(64);
	});

	it('does not follow a redirect', async () => {
		const url = await serve((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
		expect((await createHttpTransport()({ method: 'GET', url, headers: {}, ...LIMITS })).status).toBe(302);
	});

	it('gives up on a server that sends a byte now and then', async () => {
		const url = await serve(async (_, response) => {
			for (let i = 0; i < 100 && !response.destroyed; i++) {
				response.write('.');
				await pause(20);
			}
		});
		const reply = createHttpTransport()({ method: 'GET', url, headers: {}, timeoutMs: 200, maxReplyBytes: 1_000 });
		await expect(reply).rejects.toMatchObject({ name: 'TimeoutError' });
	});

	it.each<{ name: string; listener: RequestListener; message: RegExp }>([
		{ name: 'never answers', listener: () => undefined, message: /no answer in time/ },
		{
			name: 'answers more than was asked for',
			listener: (_, response) => response.end('x'.repeat(1_001)),
			message: /longer than 1000 bytes/,
		},
		{ name: 'hangs up', listener: (request) => request.socket.destroy(), message: /hang up|ECONNRESET/ },
		{
			name: 'hangs up in the middle of its answer',
			listener: (_, response) => {
				response.writeHead(200, { 'content-length': '100' });
				response.write('half');
				setTimeout(() => response.destroy(), 20);
			},
			message: /aborted|ECONNRESET/,
		},
		{
			name: 'is none',
			listener: (request) => request.socket.end('SSH-2.0-OpenSSH_9.9\r\n'),
			message: /Parse Error/,
		},
		{
			name: 'goes over to another protocol',
			listener: (request) =>
				request.socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\n'),
			message: /ended the connection without an answer/,
		},
	])('rejects when the server $name', async ({ listener, message }) => {
		const url = await serve(listener);
		const reply = createHttpTransport()({ method: 'GET', url, headers: {}, timeoutMs: 500, maxReplyBytes: 1_000 });
		await expect(reply).rejects.toThrow(message);
	});

	it('rejects when nobody listens', async () => {
		const url = new URL('http://127.0.0.1:1/');
		await expect(createHttpTransport()({ method: 'GET', url, headers: {}, ...LIMITS })).rejects.toThrow('ECONNREFUSED');
	});

	it('ends with the signal of the caller', async () => {
		const url = await serve(() => undefined);
		const reply = createHttpTransport()({
			method: 'GET',
			url,
			headers: {},
			...LIMITS,
			signal: AbortSignal.timeout(50),
		});
		await expect(reply).rejects.toMatchObject({ name: expect.stringMatching(/AbortError|TimeoutError/) });
	});
});
