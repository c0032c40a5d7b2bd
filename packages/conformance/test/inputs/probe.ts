/**
 * Sends one request exactly as it is written, dot segments and all, and takes the whole answer. An answer that takes
 * longer than the bound is a finding, not a slow test.
 */
import { Agent, request as httpRequest } from 'node:http';
import { request as httpsRequest, Agent as TlsAgent } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** No answer, to whatever input, may take longer. */
export const ANSWER_WITHIN_MS = 5_000;

export interface ProbeRequest {
	readonly method: string;
	/** Path and query, not normalised. */
	readonly path: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: Uint8Array | string;
}

export interface Answer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Buffer;
	readonly ms: number;
}

const reused = { keepAlive: true, maxSockets: 4 };
const wires = {
	'http:': { request: httpRequest, agent: new Agent(reused) },
	'https:': { request: httpsRequest, agent: new TlsAgent(reused) },
} as const;

/** @throws {Error} when there is no whole answer within the bound */
export function send(baseUrl: string, request: ProbeRequest): Promise<Answer> {
	const { hostname, port, protocol } = new URL(baseUrl);
	const wire = wires[protocol as keyof typeof wires];
	const { method, path, headers = {}, body } = request;
	const startedAt = performance.now();
	return new Promise((resolve, reject) => {
		const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
		// A body that is refused before it has arrived whole ends its connection: the next cell gets another one.
		const isLarge = body !== undefined && body.length > 64 * 1024;
		const outgoing = wire.request(
			{ hostname, port, method, path, agent: isLarge ? false : wire.agent, headers: { ...length, ...headers } },
			(incoming) => {
				const chunks: Buffer[] = [];
				incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
				incoming.on('error', reject);
				incoming.on('end', () =>
					resolve({
						status: incoming.statusCode ?? 0,
						headers: flat(incoming.headers),
						body: Buffer.concat(chunks),
						ms: performance.now() - startedAt,
					}),
				);
			},
		);
		outgoing.setTimeout(ANSWER_WITHIN_MS, () => outgoing.destroy(new Error(`no answer in ${ANSWER_WITHIN_MS} ms`)));
		outgoing.on('error', reject);
		outgoing.end(body);
	});
}

/** For what no HTTP library would send: `head` are the bytes of a whole request without a body. */
export function sendRaw(baseUrl: string, head: string): Promise<Answer> {
	const startedAt = performance.now();
	return new Promise((resolve, reject) => {
		const socket = openSocket(new URL(baseUrl));
		const chunks: Buffer[] = [];
		socket.setTimeout(ANSWER_WITHIN_MS, () => socket.destroy(new Error(`no answer in ${ANSWER_WITHIN_MS} ms`)));
		socket.on('data', (chunk: Buffer) => chunks.push(chunk));
		socket.on('error', reject);
		socket.on('end', () => {
			socket.destroy();
			resolve({ ...parseAnswer(Buffer.concat(chunks)), ms: performance.now() - startedAt });
		});
		socket.write(Buffer.from(head, 'latin1'));
	});
}

function openSocket({ hostname, port, protocol }: URL): Socket {
	const to = { host: hostname, port: Number(port) };
	return protocol === 'https:' ? connectTls({ ...to, servername: hostname }) : connect(to);
}

function parseAnswer(bytes: Buffer): Omit<Answer, 'ms'> {
	const end = bytes.indexOf('\r\n\r\n');
	const [start = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
	const headers = lines.map((line) => /^([^:]+): *(.*)$/.exec(line)?.slice(1, 3) ?? ['', '']);
	return {
		status: Number(/^HTTP\/1\.1 (\d{3})/.exec(start)?.[1] ?? 0),
		headers: Object.fromEntries(headers.map(([name = '', value = '']) => [name.toLowerCase(), value])),
		body: bytes.subarray(end + 4),
	};
}

function flat(headers: NodeJS.Dict<string | string[]>): Record<string, string> {
	return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]));
}
