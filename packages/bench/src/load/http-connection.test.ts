import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HttpConnection, HttpConnectionError } from './http-connection.ts';

let server: Server;
const sockets = new Set<Socket>();

afterEach(() => {
	for (const socket of sockets) socket.destroy();
	server.close();
});

/** Answers each request with the same pieces, each in a packet of its own. */
async function connectTo(pieces: readonly string[]): Promise<HttpConnection> {
	server = createServer((socket) => {
		sockets.add(socket);
		socket.setNoDelay(true);
		socket.on('data', async () => {
			for (const piece of pieces) {
				socket.write(piece);
				await new Promise((resolve) => setTimeout(resolve, 2));
			}
			if (pieces.length === 0) socket.end();
		});
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (address === null || typeof address === 'string') throw new Error('no address');
	return HttpConnection.open('127.0.0.1', address.port);
}

const REQUEST = Buffer.from('GET / HTTP/1.1\r\n\r\n');
const LENGTH = 'HTTP/1.1 201 Created\r\nContent-Length: 10\r\n\r\n0123456789';
const CHUNKED = 'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6;x=y\r\n456789\r\n0\r\n\r\n';

describe('a connection of a client', () => {
	it.each([
		['with a length', [LENGTH]],
		['with a length, byte by byte', [...LENGTH]],
		['in chunks', [CHUNKED]],
		['in chunks, byte by byte', [...CHUNKED]],
	])('reads an answer %s, and the next one after it', async (_, pieces) => {
		const connection = await connectTo(pieces);
		for (let i = 0; i < 2; i++) {
			const { status, body } = await connection.exchange(REQUEST);
			expect([status, body.toString()]).toEqual([201, '0123456789']);
		}
		connection.close();
	});

	it('tells when a refusal asks to wait', async () => {
		const connection = await connectTo(['HTTP/1.1 503 Busy\r\nretry-after: 3\r\ncontent-length: 0\r\n\r\n']);
		expect(await connection.exchange(REQUEST)).toMatchObject({ status: 503, retryAfter: 3 });
	});

	it.each([
		['ends without an answer', []],
		['gets what is not HTTP', ['220 mail.test\r\n\r\n']],
		['gets an answer without an end', ['HTTP/1.1 200 OK\r\n\r\nhello']],
	])('fails when it %s', async (_, pieces) => {
		const connection = await connectTo(pieces);
		await expect(connection.exchange(REQUEST)).rejects.toThrow(HttpConnectionError);
		await expect(connection.exchange(REQUEST)).rejects.toThrow(HttpConnectionError);
	});
});
