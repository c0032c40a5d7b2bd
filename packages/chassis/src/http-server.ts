/**
 * The HTTP/1.1 server under a listener, in the clear or over TLS: time and size limits against slow or endless clients,
 * and an answer in our own words when bytes arrive that are not HTTP.
 */
import {
	createServer,
	type Server as HttpServer,
	type IncomingMessage,
	type ServerResponse,
	STATUS_CODES,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { DomainError } from './domain-error.ts';
import { handshakesOf } from './tls-handshakes.ts';
import type { TlsPair } from './tls-pair.ts';

export type BoundServer = HttpServer | HttpsServer;

export interface HttpLimits {
	/** The whole head of a request must have arrived within this time; before it, as long again for a TLS handshake. */
	readonly headersTimeoutMs: number;
	/** Head and body must have arrived within this time; a slow sender is cut off whatever its pace. */
	readonly requestTimeoutMs: number;
	/** An idle connection is closed after this. */
	readonly keepAliveTimeoutMs: number;
	/** Sum of all header bytes of one request. */
	readonly maxHeaderBytes: number;
	/** Further connections are dropped by the listener, never queued. */
	readonly maxConnections: number;
	/** How often the two request timeouts are looked at: they may come late by this much. */
	readonly checkIntervalMs: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
	headersTimeoutMs: 10_000,
	requestTimeoutMs: 30_000,
	keepAliveTimeoutMs: 30_000,
	maxHeaderBytes: 16 * 1024,
	maxConnections: 4096,
	checkIntervalMs: 2_000,
};

export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Head and body of an answer written straight to a socket. */
export interface RawAnswer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/**
 * Makes a server that is not yet listening. `renderRefusal` words the answer to bytes that never became a request. With
 * `tls` it speaks TLS 1.2 or newer and nothing else.
 */
export function createHttpServer(
	limits: HttpLimits,
	handler: HttpHandler,
	renderRefusal: (error: DomainError) => RawAnswer,
	tls?: TlsPair,
): BoundServer {
	/** The answer under way on a connection; raw bytes in the middle of it would be read as part of it. */
	const underWay = new WeakMap<Duplex, ServerResponse>();
	const refused = new WeakSet<Duplex>();
	const options = {
		headersTimeout: limits.headersTimeoutMs,
		requestTimeout: limits.requestTimeoutMs,
		keepAliveTimeout: limits.keepAliveTimeoutMs,
		maxHeaderSize: limits.maxHeaderBytes,
		connectionsCheckingInterval: limits.checkIntervalMs,
		insecureHTTPParser: false,
		// The listener asks for it: node's own refusal has no shape of ours.
		requireHostHeader: false,
		// Proofs and receipts are small: waiting to fill a segment costs more than the segment.
		noDelay: true,
	};
	const onRequest: HttpHandler = (request, response) => {
		underWay.set(request.socket, response);
		// A closing server answers what still arrives on open connections, once.
		if (!server.listening) response.shouldKeepAlive = false;
		handler(request, response);
	};
	const overTls =
		tls &&
		createHttpsServer(
			{ ...options, ...tls.context, ALPNProtocols: ['http/1.1'], handshakeTimeout: limits.headersTimeoutMs },
			onRequest,
		);
	const handshakes = overTls && handshakesOf(overTls);
	const server: BoundServer = overTls ?? createServer(options, onRequest);
	server.maxConnections = limits.maxConnections;
	server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
		if (handshakes && !handshakes.isOver(socket)) {
			handshakes.refuse(error, socket, () => serialise(renderRefusal(SPEAKS_TLS)));
			return;
		}
		const response = underWay.get(socket);
		const midAnswer = response?.headersSent === true && !response.writableFinished;
		if (error.code === 'ECONNRESET' || !socket.writable || midAnswer || refused.has(socket)) {
			socket.destroy();
			return;
		}
		refused.add(socket);
		socket.end(serialise(renderRefusal(toDomainError(error, limits))), () => (socket as Socket).destroy());
	});
	return server;
}

const SPEAKS_TLS = new DomainError('invalid-request', 'this port speaks TLS: the address begins with https://');

function toDomainError(error: NodeJS.ErrnoException, limits: HttpLimits): DomainError {
	switch (error.code) {
		case 'HPE_HEADER_OVERFLOW':
			return new DomainError('headers-too-large', `the headers are longer than ${limits.maxHeaderBytes} bytes`);
		case 'ERR_HTTP_REQUEST_TIMEOUT':
			return new DomainError('request-timeout', 'the request did not arrive in time');
		default:
			return new DomainError('invalid-request', 'the request is not valid HTTP/1.1');
	}
}

function serialise(answer: RawAnswer): string {
	const headers = { ...answer.headers, 'content-length': String(Buffer.byteLength(answer.body)), connection: 'close' };
	const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
	return `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Refused'}\r\n${lines.join('')}\r\n${answer.body}`;
}
