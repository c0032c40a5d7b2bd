/**
 * The network between one replica and the database, as a process of its own so that it can be stopped: what is on its way
 * then stays where it is. node socket-relay.ts SOCKET SERVER-SOCKET
 */
import { connect, createServer, type Socket } from 'node:net';

const [socket = '', serverSocket = ''] = process.argv.slice(2);

createServer({ allowHalfOpen: false }, (client) => {
	const server = connect(serverSocket);
	const tie = (one: Socket, other: Socket) => {
		one.pipe(other);
		one.on('error', () => other.destroy());
		one.on('close', () => other.destroy());
	};
	tie(client, server);
	tie(server, client);
}).listen(socket, () => process.stdout.write('ready\n'));
