/** A real HTTP server on loopback that answers whatever a test wants. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedRequest {
	readonly method: string;
	readonly url: string;
	readonly headers: IncomingMessage['headers'];
	readonly body: Uint8Array;
}

export interface LoopbackServer {
	readonly url: string;
	/** In the order they came. */
	readonly received: ReceivedRequest[];
	/** How the next requests are answered. */
	answer: (request: ReceivedRequest, response: ServerResponse) => void;
	close(): Promise<void>;
}

export async function startLoopbackServer(): Promise<LoopbackServer> {
	const received: ReceivedRequest[] = [];
	const server = createServer(async (incoming, response) => {
		const chunks: Buffer[] = [];
		for await (const chunk of incoming) chunks.push(chunk as Buffer);
		const { method = '', url = '', headers } = incoming;
		const request = { method, url, headers, body: new Uint8Array(Buffer.concat(chunks)) };
		received.push(request);
		loopback.answer(request, response);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const loopback: LoopbackServer = {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		received,
		answer: (_request, response) => response.writeHead(404).end(),
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
	return loopback;
}

/** An answer with a body of this type. */
export function answering(status: number, body: string | Uint8Array = '', headers: Record<string, string> = {}) {
	return (_request: ReceivedRequest, response: ServerResponse): void => {
		response.writeHead(status, headers).end(body);
	};
}
