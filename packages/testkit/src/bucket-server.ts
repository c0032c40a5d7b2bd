/**
 * A bucket over HTTP with S3's conditional writes, for what no real server does on request: fail, lose answers, ignore
 * conditions. It looks at the shape of a signature only; real servers judge signatures elsewhere.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface BucketServer {
	readonly endpoint: string;
	readonly objects: Map<string, { bytes: Buffer; cacheControl: string }>;
	/** What happens to the next requests: a status of 300 or more is answered, 0 does the work and drops the connection. */
	readonly faults: number[];
	ignoresConditions: boolean;
	/** Headers of a condition that it does not look at. */
	readonly ignored: Set<'if-match' | 'if-none-match'>;
	requests: number;
	close(): Promise<void>;
}

export async function startBucket(): Promise<BucketServer> {
	const server = createServer((request, response) => void answer(bucket, request, response));
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const bucket: BucketServer = {
		endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		objects: new Map(),
		faults: [],
		ignoresConditions: false,
		ignored: new Set(),
		requests: 0,
		close: () => {
			server.closeAllConnections();
			return new Promise((resolve) => server.close(() => resolve()));
		},
	};
	return bucket;
}

async function answer(bucket: BucketServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
	const parts: Buffer[] = [];
	for await (const part of request) parts.push(part as Buffer);
	const body = Buffer.concat(parts);
	bucket.requests++;
	const fault = bucket.faults.shift();
	if (fault && fault >= 300) {
		response.writeHead(fault).end('<Error><Code>Tested</Code><Message>as the test wishes</Message></Error>');
		return;
	}
	const { status, headers = {}, bytes } = handle(bucket, request, body);
	if (fault === 0) request.socket.destroy();
	else response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : bytes);
}

function handle(
	bucket: BucketServer,
	{ method, url = '', headers }: IncomingMessage,
	body: Buffer,
): { status: number; headers?: Record<string, string>; bytes?: Buffer } {
	const signed =
		/^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/region\/s3\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/;
	if (!signed.test(headers.authorization ?? '')) return { status: 403 };
	if (headers['x-amz-content-sha256'] !== createHash('sha256').update(body).digest('hex')) return { status: 400 };
	const found = bucket.objects.get(url);
	const etag = found && etagOf(found.bytes);
	if (method !== 'PUT') return found ? { status: 200, headers: { etag: etag! }, bytes: found.bytes } : { status: 404 };
	if (!bucket.ignoresConditions) {
		if (headers['if-none-match'] === '*' && found && !bucket.ignored.has('if-none-match')) return { status: 412 };
		const wanted = bucket.ignored.has('if-match') ? undefined : headers['if-match'];
		if (wanted && !found) return { status: 404 };
		if (wanted && wanted !== etag) return { status: 412 };
	}
	bucket.objects.set(url, { bytes: body, cacheControl: headers['cache-control'] ?? '' });
	return { status: 200, headers: { etag: etagOf(body) } };
}

function etagOf(bytes: Buffer): string {
	return `"${createHash('md5').update(bytes).digest('hex')}"`;
}
