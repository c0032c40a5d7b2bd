/**
 * Replies as they come from the wire: status lines, headers, lengths and chunks, mangled, in front of everything here
 * that calls a server. The server is a socket that sends the bytes and closes, so that waiting is never right.
 */

import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { probeCtLog } from '@chancery/ca/tested/ct-log';
import type { IssuingChain } from '@chancery/ca/tested/issuing-chain';
import { fetchDocument } from '@chancery/chassis/tested/fetch-document';
import { toBase64 } from '@chancery/core/bytes';
import { type Certificate, parseCertificate } from '@chancery/core/certificate';
import { parsePem } from '@chancery/core/pem';
import { parsePublicKey } from '@chancery/keys/public-key';
import { CallError, call } from '@chancery/net/call';
import { createHttpTransport } from '@chancery/net/http-transport';
import { ObjectStoreError } from '@chancery/net/object-store/object-store-error';
import { openS3Store } from '@chancery/net/object-store/s3-store';
import { fetchTransport, type Transport } from '@chancery/net/transport';
import * as ct from '@chancery/wire/ct';
import { complaint, type ParserUnderTest, parser, reread, type Schema, zodError } from './parser-under-test.ts';
import { seedText } from './seeds.ts';

/** A connection per case, a hundred times as costly as a parser. */
const SHARE = 0.05;
/** Far more than a reply over loopback takes; a caller that waits this long waited for nothing. */
const TIMEOUT_MS = 900;
const MAX_REPLY_BYTES = 64 * 1024;

const STH = seedText('ct sth').trim();
const ROOTS = seedText('ct roots').trim();
const root = parseCertificate(
	Buffer.from((JSON.parse(ROOTS) as { certificates: string[] }).certificates[0] ?? '', 'base64'),
);
const logKey = parsePem(seedText('v1 public key'))[0]?.der ?? new Uint8Array();

let served: Uint8Array = new Uint8Array();
let address: Promise<string> | undefined;

export const HTTP_REPLY_PARSERS: readonly ParserUnderTest[] = [
	calls('reply over the transport between services', () => ({ transport: createHttpTransport() })),
	calls('reply over fetch', () => ({ fetch })),
	parser({
		name: 'roots of a CT log, as the CA probes it',
		seeds: repliesWith(ROOTS),
		share: SHARE,
		// It tells, and never throws.
		refusals: () => false,
		parse: async (input) => {
			const log = {
				url: await serve(input),
				publicKey: logKey,
				key: parsePublicKey(logKey),
				logId: new Uint8Array(32),
			};
			const chain = { root } as { readonly root: Certificate } as IssuingChain;
			return within(probeCtLog({ ...log, transport: createHttpTransport() }, chain));
		},
		check: ({ ok, detail }, input) =>
			complaint(
				ok &&
					!Buffer.from(input)
						.toString('latin1')
						.replaceAll(/[^A-Za-z0-9+/=]/g, '')
						.includes(toBase64(root.der).slice(-40)) &&
					'it finds a root that the log does not name',
				!/^[\x20-\x7e]{1,200}$/.test(detail) && 'its words are not ours',
			),
	}),
	parser({
		name: 'document of an issuer, from the wire',
		seeds: repliesWith(seedText('discovery').trim()),
		share: SHARE,
		// It may throw what it likes, but in time; who called it turns everything into its own error.
		refusals: (error) => error instanceof Error && !isOverdue(error),
		parse: async (input) =>
			within(fetchDocument(fetchTransport(fetch), new URL(await serve(input)), AbortSignal.timeout(5_000))),
		check: (document) => (document === undefined ? 'it is nothing' : undefined),
	}),
	parser({
		name: 'reply of an S3-compatible store',
		seeds: [
			...repliesWith(seedText('v2 checkpoint'), 'ETag: "0123456789abcdef"\r\n'),
			'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
		],
		share: SHARE,
		refusals: (error) => error instanceof ObjectStoreError && !isOverdue(error.cause) && printable.test(error.message),
		parse: async (input) => {
			const store = openS3Store({ ...S3, endpoint: await serve(input) }, 1);
			const found = await within(store.readCheckpoint());
			// What was read goes back as a condition.
			if (found) await within(store.swapCheckpoint(found.note, found));
			return found;
		},
		check: (found, input) =>
			found &&
			complaint(
				!found.version && 'it has no version',
				found.note.length > input.length &&
					!/content-encoding/i.test(Buffer.from(input).toString('latin1')) &&
					'it has more bytes than were sent',
			),
	}),
];

type Way = { readonly fetch: typeof fetch } | { readonly transport: Transport };

const printable = /^[\P{Cc}]{1,1000}$/u;

const concealed = (text: string) => ({ reveal: () => text });
const S3 = {
	bucket: 'log',
	prefix: '',
	region: 'eu-central-1',
	accessKeyId: concealed('AKIDEXAMPLE'),
	secretAccessKey: concealed('example'),
};

function calls(name: string, way: () => Way): ParserUnderTest {
	return parser({
		name,
		seeds: repliesWith(STH),
		share: SHARE,
		refusals: (error) => error instanceof CallError && printable.test(error.message) && isOrdinary(error.cause),
		parse: async (input) =>
			within(
				call(ct.getSth, await serve(input), {}, { ...way(), timeoutMs: TIMEOUT_MS, maxReplyBytes: MAX_REPLY_BYTES }),
			),
		check: ({ status, body }) =>
			complaint(status !== 200 && `it accepts status ${status}`, reread(ct.getSth.replies[200] as Schema, body)),
	});
}

/** What a reply and its connection can be wrong in. A TypeError of ours, or time that ran out, would hide in a CallError. */
function isOrdinary(cause: unknown): boolean {
	if (cause === undefined || cause instanceof SyntaxError || zodError(cause)) return true;
	if (!(cause instanceof Error) || isOverdue(cause)) return false;
	const { code = '' } = cause as { code?: string };
	return (
		/^(HPE_[A-Z_]+|ECONNRESET|ERR_ENCODING_INVALID_ENCODED_DATA)$/.test(code) ||
		/^(fetch failed|terminated|the reply is longer .*|the server ended the connection .*)$/.test(cause.message)
	);
}

function isOverdue(error: unknown): boolean {
	return (
		error instanceof Error && (error.name === 'TimeoutError' || error instanceof Overdue || isOverdue(error.cause))
	);
}

class Overdue extends Error {}

/** The server has closed long ago: who still waits then would wait for ever. */
function within<T>(work: Promise<T>): Promise<T> {
	const { promise, reject } = Promise.withResolvers<never>();
	const timer = setTimeout(() => reject(new Overdue('it waits for a server that has closed')), 2 * TIMEOUT_MS);
	return Promise.race([work, promise]).finally(() => clearTimeout(timer));
}

/** The same body with a length, in chunks, until the connection ends, after an interim reply. */
function repliesWith(body: string, more = ''): string[] {
	const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${more}`;
	const [first, second] = [body.slice(0, 20), body.slice(20)];
	const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
	return [
		`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
		`${head}Transfer-Encoding: chunked\r\n\r\n${chunk(first)}${chunk(second)}0\r\nX-Trailer: a\r\n\r\n`,
		`${head.replace('1.1', '1.0')}Connection: close\r\n\r\n${body}`,
		`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
	];
}

/** Base URL of a server that answers every request with these bytes. */
function serve(input: Uint8Array): Promise<string> {
	served = input;
	address ??= listen();
	return address;
}

/** The server lives as long as the process and does not keep it. */
function listen(): Promise<string> {
	return new Promise((resolve) => {
		const server = createServer((socket) => {
			socket.on('error', () => undefined);
			socket.once('data', () => socket.end(served));
		});
		server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
		server.unref();
	});
}
