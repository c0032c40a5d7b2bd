/**
 * One request of a connection at a time. A client may send further requests before it has its answer (RFC 9112 section
 * 9.3.2), hundreds of them in one packet; worked on together they would multiply what one connection can hold, and the
 * answers would wait for a client that takes none.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Clients that send ahead at all send a few; who sends more is cut off. */
const MAX_WAITING = 32;

type Exchange = readonly [request: IncomingMessage, response: ServerResponse];

/**
 * Calls `begin` for the next request of a connection when the answer to the one before has left, and `end` for each
 * response once it has left or its connection has ended.
 */
export function oneAtATime(begin: HttpHandler, end: (response: ServerResponse) => void): HttpHandler {
	/** The requests behind the one that is being answered. */
	const waiting = new WeakMap<Socket, Exchange[]>();
	const work = (socket: Socket, [request, response]: Exchange) => {
		response.once('close', () => {
			end(response);
			const next = waiting.get(socket)?.shift();
			// An answer that said `connection: close` was the last one, whatever was sent behind its request.
			if (next && socket.writable && next[1].socket === socket) work(socket, next);
			else waiting.delete(socket);
		});
		begin(request, response);
	};
	return (request, response) => {
		const { socket } = request;
		const line = waiting.get(socket);
		if (line === undefined) {
			waiting.set(socket, []);
			work(socket, [request, response]);
		} else if (line.length < MAX_WAITING) line.push([request, response]);
		else socket.destroy();
	};
}
