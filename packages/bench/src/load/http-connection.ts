/**
 * One keep-alive HTTP/1.1 connection of a client, one request at a time. The runtime's own clients spend more CPU time on a request
 * than the measured servers. This one writes prepared bytes and only searches for the end of the answer.
 */

import { connect, type Socket } from 'node:net';
import { ChanceryError } from '@chancery/core/chancery-error';

export interface HttpAnswer {
	readonly status: number;
	/** Seconds in Retry-After of a refusal; undefined when there are none. */
	readonly retryAfter: number | undefined;
	readonly body: Buffer;
}

/** The connection ended, or sent something that is not an HTTP answer. */
export class HttpConnectionError extends ChanceryError<'connection-broken'> {
	constructor(message: string, options?: ErrorOptions) {
		super('connection-broken', message, options);
	}
}

const HEAD_END = Buffer.from('\r\n\r\n');
const EMPTY: Buffer = Buffer.alloc(0);

export class HttpConnection {
	readonly #socket: Socket;
	#received: Buffer = EMPTY;
	#waiting: PromiseWithResolvers<HttpAnswer> | undefined;
	#failure: HttpConnectionError | undefined;

	private constructor(socket: Socket) {
		this.#socket = socket;
		socket.setNoDelay(true);
		socket.on('data', (chunk: Buffer) => this.#receive(chunk));
		socket.on('error', (error) => this.#fail(error.message));
		socket.on('close', () => this.#fail('the server closed the connection'));
	}

	static open(host: string, port: number): Promise<HttpConnection> {
		return new Promise((resolve, reject) => {
			const socket = connect({ host, port });
			socket.once('error', reject);
			socket.once('connect', () => {
				socket.removeListener('error', reject);
				resolve(new HttpConnection(socket));
			});
		});
	}

	/** Sends the bytes of a whole request. @throws {HttpConnectionError} */
	exchange(request: Uint8Array): Promise<HttpAnswer> {
		if (this.#failure) return Promise.reject(this.#failure);
		this.#waiting = Promise.withResolvers<HttpAnswer>();
		this.#socket.write(request);
		return this.#waiting.promise;
	}

	close(): void {
		this.#socket.destroy();
	}

	#receive(chunk: Buffer): void {
		this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
		const answer = this.#waiting && readAnswer(this.#received);
		if (answer === 'unreadable') this.#socket.destroy(new Error('the answer is not HTTP/1.1 as servers write it'));
		if (answer === undefined || answer === 'unreadable') return;
		this.#received = EMPTY;
		const waiting = this.#waiting;
		this.#waiting = undefined;
		waiting?.resolve(answer);
	}

	#fail(reason: string): void {
		this.#failure ??= new HttpConnectionError(reason);
		this.#waiting?.reject(this.#failure);
		this.#waiting = undefined;
	}
}

/** The body of a GET that is answered 200; undefined for any other status. @throws {HttpConnectionError} */
export async function getBody(at: { host: string; port: number }, path: string): Promise<Buffer | undefined> {
	const connection = await HttpConnection.open(at.host, at.port);
	try {
		const head = `GET ${path} HTTP/1.1\r\nHost: ${at.host}:${at.port}\r\n\r\n`;
		const { status, body } = await connection.exchange(Buffer.from(head));
		return status === 200 ? body : undefined;
	} finally {
		connection.close();
	}
}

/** The answer in the bytes; undefined while it is not complete. */
function readAnswer(bytes: Buffer): HttpAnswer | 'unreadable' | undefined {
	const headEnd = bytes.indexOf(HEAD_END);
	if (headEnd === -1) return undefined;
	const head = bytes.toString('latin1', 0, headEnd);
	const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
	if (!(status >= 200)) return 'unreadable';
	const seconds = /\r\nretry-after: *(\d+)/i.exec(head)?.[1];
	const retryAfter = seconds === undefined ? undefined : Number(seconds);
	const start = headEnd + HEAD_END.length;
	const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
	if (length !== undefined) {
		const end = start + Number(length);
		return bytes.length < end ? undefined : { status, retryAfter, body: bytes.subarray(start, end) };
	}
	if (!/\r\ntransfer-encoding: *chunked/i.test(head)) return 'unreadable';
	const body = readChunks(bytes, start);
	return body && { status, retryAfter, body };
}

/** The chunks from `at` on, joined; undefined while the last one is missing. */
function readChunks(bytes: Buffer, start: number): Buffer | undefined {
	const chunks: Buffer[] = [];
	for (let at = start; ; ) {
		const lineEnd = bytes.indexOf('\r\n', at);
		if (lineEnd === -1) return undefined;
		const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
		const end = lineEnd + 2 + size;
		if (bytes.length < end + 2) return undefined;
		if (size === 0) return Buffer.concat(chunks);
		chunks.push(bytes.subarray(lineEnd + 2, end));
		at = end + 2;
	}
}
