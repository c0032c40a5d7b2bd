/**
 * A certificate transparency log for the tests: the RFC 6962 wire over real HTTP, signing with a key of its own. It can
 * be told to misbehave.
 */
import { X509Certificate } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fromBase64, toBase64 } from '@chancery/core/bytes';
import { type Certificate, parseCertificate } from '@chancery/core/certificate';
import { encodeDigitallySigned, sctSignedData } from '@chancery/core/ct';
import { encodePem } from '@chancery/core/pem';
import { issuerKeyHash, tbsWithoutPoison } from '@chancery/core/precertificate';
import { sha256 } from '@chancery/core/sha';
import { generateSigner } from '@chancery/keys/file/generate';
import type { Signer } from '@chancery/keys/signer';

/** What the log does with submissions. */
export interface Behaviour {
	/** Answers this status instead of a timestamp, this many times. */
	refuse?: { status: number; times: number };
	/** Ends the connection instead of an answer, or within one. */
	hangUp?: 'before' | 'within';
	/** Gives no timestamp before this. */
	hold?: Promise<void>;
	/** Milliseconds added to the clock. */
	skewMs?: number;
	/** Answers under the id of this key. */
	idOf?: Signer;
	/** Signs with this key. */
	signWith?: Signer;
	/** Signs something else than what was submitted. */
	signOther?: boolean;
	/** Bytes of SCT extensions. */
	extensions?: Uint8Array;
	/** Answers this text with status 200. */
	garbage?: string;
	/** Codes of the signature's algorithms. */
	algorithms?: readonly [hash: number, signature: number];
}

export interface TestCtLog {
	readonly url: string;
	readonly publicKeyPem: string;
	readonly signer: Signer;
	/** Precertificates that were given a timestamp. */
	readonly entries: Certificate[];
	/** Everything that was asked for. */
	readonly requests: string[];
	behaviour: Behaviour;
	roots: Uint8Array[];
	/** Nobody listens at the address any more, until `start`. */
	stop(): Promise<void>;
	start(): Promise<void>;
	close(): Promise<void>;
}

export async function startCtLog(clock: () => number): Promise<TestCtLog> {
	const signer = generateSigner('ecdsa-sha2-256-nistp256');
	const server: Server = createServer((request, response) => {
		log.requests.push(request.url ?? '');
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', async () => {
			const { hangUp } = log.behaviour;
			if (hangUp === 'within') response.writeHead(200, { 'content-length': 100 }).write('{"sct_version":0,');
			if (hangUp !== undefined) {
				setImmediate(() => request.socket.destroy());
				return;
			}
			const { status, body } = await answer(request.url ?? '', Buffer.concat(chunks).toString());
			response.writeHead(status, { 'content-type': 'application/json' }).end(body);
		});
	});
	const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
	await listen(0);
	const { port } = server.address() as AddressInfo;

	async function answer(url: string, body: string): Promise<{ status: number; body: string }> {
		if (url === '/ct/v1/get-roots')
			return { status: 200, body: JSON.stringify({ certificates: log.roots.map(toBase64) }) };
		const { refuse, garbage } = log.behaviour;
		if (refuse && refuse.times > 0) {
			refuse.times--;
			return { status: refuse.status, body: 'no\n' };
		}
		if (garbage !== undefined) return { status: 200, body: garbage };
		await log.behaviour.hold;
		const chain = (JSON.parse(body) as { chain: string[] }).chain.map(fromBase64);
		chain.forEach((der, i) => {
			const issuer = chain[i + 1] ?? der;
			if (!new X509Certificate(der).verify(new X509Certificate(issuer).publicKey))
				throw new Error(`link ${i} of the submitted chain is broken`);
		});
		return { status: 200, body: JSON.stringify(await sign(chain)) };
	}

	async function sign([first, second]: Uint8Array[]) {
		const precertificate = parseCertificate(first!);
		log.entries.push(precertificate);
		const { skewMs = 0, idOf = signer, signWith = signer, signOther, extensions = new Uint8Array() } = log.behaviour;
		const timestampMs = clock() + skewMs;
		const tbs = tbsWithoutPoison(precertificate);
		const data = sctSignedData({
			timestampMs: signOther ? timestampMs + 1 : timestampMs,
			entry: { type: 'precert', issuerKeyHash: issuerKeyHash(parseCertificate(second!)), tbs },
			extensions,
		});
		const signature = await signWith.sign(data);
		return {
			sct_version: 0,
			id: toBase64(sha256(idOf.publicKey)),
			timestamp: timestampMs,
			extensions: toBase64(extensions),
			signature: toBase64(encodeDigitallySigned(signature, ...(log.behaviour.algorithms ?? []))),
		};
	}

	const log: TestCtLog = {
		url: `http://127.0.0.1:${port}`,
		publicKeyPem: encodePem('PUBLIC KEY', signer.publicKey),
		signer,
		entries: [],
		requests: [],
		behaviour: {},
		roots: [],
		stop: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
		start: () => listen(port),
		close: () => new Promise((resolve) => server.close(() => resolve())),
	};
	return log;
}
