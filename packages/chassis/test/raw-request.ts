/** Writes bytes to a listener and reads whatever comes back: for requests that no HTTP client would send. */
import { connect, type Socket } from 'node:net';

/** Sends `text` and collects the answer until the server closes the connection. */
export function rawRequest(port: number, text: string, host = '127.0.0.1'): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = connect(port, host, () => socket.write(text));
		let answer = '';
		socket.setEncoding('utf8');
		socket.on('data', (chunk: string) => {
			answer += chunk;
		});
		// A reset after the answer is no failure of the answer.
		socket.on('error', (error) => (answer === '' ? reject(error) : resolve(answer)));
		socket.on('close', () => resolve(answer));
	});
}

/** Opens a connection, writes `text`, and leaves it open. */
export function openSocket(port: number, text = '', host = '127.0.0.1'): Promise<Socket> {
	return new Promise((resolve, reject) => {
		const socket = connect(port, host, () => {
			if (text) socket.write(text);
			resolve(socket);
		});
		socket.on('error', reject);
	});
}
