/**
 * Gives one client at most half of the connections of a server, so that nobody keeps the others out alone, and ends
 * connections so that nothing of them is left.
 */
import type { Server, Socket } from 'node:net';
import { clientOf } from './client-address.ts';
import { Tally } from './tally.ts';

const SHARE = 1 / 2;

export interface ConnectionShares {
	/** Ends a connection and drops what the system still holds for its client. */
	reset(socket: Socket): void;
}

/** Begins to count, from before the server listens. */
export function shareConnections(server: Server, maxConnections: number): ConnectionShares {
	const maxOfClient = Math.max(1, Math.floor(maxConnections * SHARE));
	const byClient = new Tally();
	/** Connections as the system knows them, by who called: requests only show the TLS side of theirs. */
	const sockets = new Map<string, Socket>();
	server.prependListener('connection', (socket: Socket) => {
		const client = clientOf(socket.remoteAddress);
		if (byClient.of(client) >= maxOfClient) {
			socket.destroy();
			return;
		}
		byClient.add(client);
		const caller = callerOf(socket);
		sockets.set(caller, socket);
		socket.once('close', () => {
			if (sockets.get(caller) === socket) sockets.delete(caller);
			byClient.take(client);
		});
	});
	return {
		reset: (socket) => {
			// Ended without a reset, the system would go on sending what it holds, to a client that takes none of it.
			sockets.get(callerOf(socket))?.resetAndDestroy();
			socket.destroy();
		},
	};
}

const callerOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
