/**
 * Connections of a TLS server that are still before the end of their handshake, which the HTTP server above knows nothing
 * of. They end with it; and one that speaks plain HTTP is told to say https: OpenSSL recognises such a client by its first
 * bytes, and without an answer it would only see the connection end.
 */
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Ends the connection under a failed handshake, with `answer` in the clear where the client will understand it. */
export type RefuseHandshake = (error: NodeJS.ErrnoException, socket: Duplex, answer: () => string) => void;

/** Begins to remember them, from before the server listens. */
export function handshakesOf(server: HttpsServer): { isOver(socket: Duplex): boolean; refuse: RefuseHandshake } {
	const over = new WeakSet<Duplex>();
	/** Connections below TLS, by who called: a failed handshake only shows its TLS side. */
	const under = new Map<string, Socket>();
	server.prependListener('connection', (socket: Socket) => {
		const caller = callerOf(socket);
		under.set(caller, socket);
		socket.once('close', () => under.delete(caller));
	});
	server.prependListener('secureConnection', (socket) => {
		over.add(socket);
		under.delete(callerOf(socket));
	});
	const closeAll = server.closeAllConnections.bind(server);
	server.closeAllConnections = () => {
		closeAll();
		for (const socket of under.values()) socket.destroy();
	};
	return {
		isOver: (socket) => over.has(socket),
		refuse: (error, socket, answer) => {
			const plain = under.get(callerOf(socket as Socket));
			if (error.code === 'ERR_SSL_HTTP_REQUEST' && plain?.writable) plain.end(answer(), () => plain.destroy());
			else socket.destroy();
		},
	};
}

const callerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
