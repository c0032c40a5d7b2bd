/**
 * The transport of calls from service to service: connections of node:http that are kept open. It costs a third of the
 * CPU time of `fetch`, whose streams and signals a small JSON reply does not need.
 *
 * Only for servers that the operator has named: nothing here looks at where a name leads.
 */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { replyTooLong, type Transport, type TransportReply, type TransportRequest } from './transport.ts';

/** Connections to one server; further requests wait for one. A server answers as fast over these as over more. */
const MAX_CONNECTIONS = 64;

/** What a caller shows to a server that asks its clients who they are: PEM, the chain with its own certificate first. */
export interface ClientCertificate {
	readonly certificate: string;
	readonly key: string;
}

export interface HttpTransportOptions {
	readonly client?: ClientCertificate | undefined;
	/** PEM. Only servers that one of these vouches for are believed; without it those that the process believes. */
	readonly authorities?: readonly string[] | undefined;
}

/** A transport with connections of its own, which end by themselves when nothing uses them. */
export function createHttpTransport({ client, authorities }: HttpTransportOptions = {}): Transport {
	const options = { keepAlive: true, maxSockets: MAX_CONNECTIONS, scheduling: 'lifo' } as const;
	const http = new HttpAgent(options);
	const https = new HttpsAgent({
		...options,
		...(client ? { cert: client.certificate, key: client.key } : {}),
		...(authorities ? { ca: [...authorities] } : {}),
	});
	return (request) => {
		const { url, method, signal } = request;
		const headers: Record<string, string | number> = { ...request.headers };
		if (request.body !== undefined) headers['content-length'] = Buffer.byteLength(request.body);
		const about = { method, headers, ...(signal ? { signal } : {}) };
		return exchange(
			request,
			url.protocol === 'https:'
				? requestHttps(url, { ...about, agent: https })
				: requestHttp(url, { ...about, agent: http }),
		);
	};
}

function exchange(
	{ body, timeoutMs, maxReplyBytes }: TransportRequest,
	outgoing: ClientRequest,
): Promise<TransportReply> {
	return new Promise((resolve, reject) => {
		let isOver = false;
		const fail = (error: unknown) => {
			if (isOver) return;
			isOver = true;
			clearTimeout(timer);
			reject(error);
			outgoing.destroy();
		};
		// One timer over everything: the time-outs of sockets begin anew with every byte of a slow server. It rejects by
		// itself, since a request that ended in a way of its own no longer tells anyone.
		const timer = setTimeout(() => fail(new DOMException('no answer in time', 'TimeoutError')), timeoutMs);
		let isAnswered = false;
		outgoing.on('error', fail);
		// The connection of a server that goes over to another protocol ends without an error and without a response.
		outgoing.on('close', () => isAnswered || fail(new Error('the server ended the connection without an answer')));
		outgoing.on('response', (incoming: IncomingMessage) => {
			isAnswered = true;
			const chunks: Buffer[] = [];
			let length = 0;
			incoming.on('data', (chunk: Buffer) => {
				length += chunk.length;
				if (length > maxReplyBytes) fail(replyTooLong(maxReplyBytes));
				else chunks.push(chunk);
			});
			incoming.on('error', fail);
			incoming.on('close', () => fail(new Error('the server ended the connection in the middle of its answer')));
			incoming.on('end', () => {
				if (isOver) return;
				isOver = true;
				clearTimeout(timer);
				resolve({
					status: incoming.statusCode ?? 0,
					headers: headersOf(incoming),
					bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length),
				});
			});
		});
		outgoing.end(body);
	});
}

function headersOf({ headersDistinct }: IncomingMessage): Headers {
	const headers = new Headers();
	for (const [name, values = []] of Object.entries(headersDistinct))
		for (const value of values) headers.append(name, value);
	return headers;
}
