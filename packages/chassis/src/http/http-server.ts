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
import { DomainError } from '../domain-error.ts';
import { handshakesOf } from '../tls/tls-handshakes.ts';
import type { TlsPair } from '../tls/tls-pair.ts';
import { AnswerTaking } from './answer-taking.ts';
import { shareConnections } from './connection-shares.ts';
import { type HttpHandler, oneAtATime } from './pipeline.ts';
import { SlicedResponse } from './sliced-response.ts';

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
	/** A client that takes no byte of an answer for this long is cut off. */
	readonly answerStallMs: number;
	/** So much per second must be taken of every answer, after a first `answerStallMs`; else the client is cut off. */
	readonly minAnswerBytesPerSecond: number;
	/** Further connections are dropped by the listener, never queued. One client may have half of them. */
	readonly maxConnections: number;
	/** How often the limits of time are looked at: they may come late by this much. */
	readonly checkIntervalMs: number;
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
	headersTimeoutMs: 10_000,
	requestTimeoutMs: 30_000,
	keepAliveTimeoutMs: 30_000,
	// A sender's system takes up to a third of its buffer at a time, a megabyte where the line is fast: at the slowest
	// rate that is just under half a minute without a sign of life.
	answerStallMs: 30_000,
	minAnswerBytesPerSecond: 32 * 1024,
	maxHeaderBytes: 16 * 1024,
	maxConnections: 4096,
	checkIntervalMs: 2_000,
};

/** Head and body of an answer written straight to a socket. */
export interface RawAnswer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/**
 * Makes a server that is not yet listening. `renderRefusal` words the answer to bytes that never became a request. With
 * `tls` it speaks TLS 1.2 or newer and nothing else, and where that says so, only with clients that show a certificate.
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
		ServerResponse: SlicedResponse,
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
	const onRequest: HttpHandler = oneAtATime(
		(request, response) => {
			underWay.set(request.socket, response);
			taking.begin(response);
			// A closing server answers what still arrives on open connections, once.
			if (!server.listening) response.shouldKeepAlive = false;
			handler(request, response);
		},
		(response) => taking.end(response),
	);
	const overTls =
		tls &&
		createHttpsServer(
			{
				...options,
				...tls.context,
				ALPNProtocols: ['http/1.1'],
				handshakeTimeout: limits.headersTimeoutMs,
				requestCert: tls.asksClients,
				rejectUnauthorized: tls.asksClients,
			},
			onRequest,
		);
	const handshakes = overTls && handshakesOf(overTls);
	const server: BoundServer = overTls ?? createServer(options, onRequest);
	server.maxConnections = limits.maxConnections;
	const connections = shareConnections(server, limits.maxConnections);
	const taking = new AnswerTaking(limits, (socket) => connections.reset(socket));
	// The listener looks at them: what node would say by itself has no shape of ours, and `100 Continue` comes too soon.
	server.on('checkContinue', onRequest);
	server.on('checkExpectation', onRequest);
	server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
		socket.on('error', () => undefined);
		if (endsAfterAnswer(socket, underWay.get(socket))) {
			// Node has taken its hands off this connection: nobody else tells the answer that there is room again.
			socket.on('drain', () => underWay.get(socket)?.emit('drain'));
			return;
		}
		socket.end(serialise(renderRefusal(NO_TUNNELS)), () => socket.destroy());
	});
	server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
		if (handshakes && !handshakes.isOver(socket)) {
			handshakes.refuse(error, socket, () => serialise(renderRefusal(SPEAKS_TLS)));
			return;
		}
		const response = underWay.get(socket);
		if (error.code !== 'ECONNRESET' && endsAfterAnswer(socket, response)) return;
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

/**
 * Whether an earlier request of the connection, which has arrived whole, is still to be answered. Its answer becomes the
 * last one: a refusal of what came behind it would be taken for that answer.
 */
function endsAfterAnswer(socket: Duplex, response: ServerResponse | undefined): boolean {
	if (!response?.req.complete || response.writableFinished || !socket.writable) return false;
	if (ending.has(response)) return true;
	ending.add(response);
	response.shouldKeepAlive = false;
	// Before the next request in the line begins, which happens when the response is closed.
	response.once('finish', () => (socket as Socket).destroySoon());
	return true;
}

/** Answers that end their connection, because what came behind their requests is not understood. */
const ending = new WeakSet<ServerResponse>();

const SPEAKS_TLS = new DomainError('invalid-request', 'this port speaks TLS: the address begins with https://');

const NO_TUNNELS = new DomainError('not-implemented', 'this server is no proxy: CONNECT is not understood');

function toDomainError(error: NodeJS.ErrnoException, limits: HttpLimits): DomainError {
	switch (error.code) {
		case 'HPE_HEADER_OVERFLOW':
			return new DomainError('headers-too-large', `the headers are longer than ${limits.maxHeaderBytes} bytes`);
		case 'ERR_HTTP_REQUEST_TIMEOUT':
			return new DomainError('request-timeout', 'the request did not arrive in time');
		case 'HPE_INVALID_TRANSFER_ENCODING':
			return new DomainError(
				'malformed-request',
				'the only Transfer-Encoding that is understood here is chunked, once and without a Content-Length',
			);
		default:
			return new DomainError('malformed-request', 'the request is not valid HTTP/1.1');
	}
}

function serialise(answer: RawAnswer): string {
	const headers = { ...answer.headers, 'content-length': String(Buffer.byteLength(answer.body)), connection: 'close' };
	const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
	return `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? 'Refused'}\r\n${lines.join('')}\r\n${answer.body}`;
}
