/** Servers that do not belong to the instance: one repeats what it is sent, one never answers, one stores objects. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ForeignServers {
	/** Answers 401 with every header and the body of the request, in words, JSON and XML at once; as an OAuth error, its body. */
	readonly echo: string;
	/** Accepts connections and never answers. */
	readonly silence: string;
	/** A bucket with S3's conditional writes; it refuses its first requests like `echo`. */
	readonly bucket: string;
	/** Number of requests that each of them received. */
	readonly counts: { echo: number; silence: number; bucket: number };
	close(): Promise<void>;
}

const REFUSED_AT_FIRST = 3;

export async function startForeignServers(): Promise<ForeignServers> {
	const counts = { echo: 0, silence: 0, bucket: 0 };
	const objects = new Map<string, Buffer>();
	const servers: Server[] = [];
	const listen = async (handle: (request: IncomingMessage, body: Buffer, response: ServerResponse) => void) => {
		const server = createServer((request, response) => {
			const parts: Buffer[] = [];
			request.on('data', (part: Buffer) => parts.push(part));
			request.on('end', () => handle(request, Buffer.concat(parts), response));
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		servers.push(server);
		return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	};
	return {
		counts,
		echo: await listen((request, body, response) => {
			counts.echo++;
			const said = sayAgain(request, body);
			response.writeHead(401, { 'content-type': 'application/json' });
			response.end(
				JSON.stringify({
					...{ message: said, detail: said, issuer: said, jwks_uri: said, headers: request.headers },
					...{ error: 'invalid_client', error_description: `${body}` || said },
				}),
			);
		}),
		silence: await listen(() => {
			counts.silence++;
		}),
		bucket: await listen((request, body, response) => {
			counts.bucket++;
			if (counts.bucket > REFUSED_AT_FIRST) return keep(objects, request, body, response);
			const said = `${request.headers['x-amz-security-token']} ${sayAgain(request, Buffer.alloc(0))}`;
			response.writeHead(403).end(`<Error><Code>Refused</Code><Message>${said}</Message></Error>`);
		}),
		close: async () => {
			for (const server of servers) {
				server.closeAllConnections();
				server.close();
			}
		},
	};
}

function sayAgain({ method, url, rawHeaders }: IncomingMessage, body: Buffer): string {
	const values = rawHeaders.filter((_, index) => index % 2 === 1).map((value) => value.replace(/^Bearer /, ''));
	return `not understood: ${method} ${url} ${values.join(' ')} ${body}`;
}

function keep(objects: Map<string, Buffer>, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
	const { method, url = '', headers } = request;
	const found = objects.get(url);
	const tag = (bytes: Buffer) => `"${createHash('md5').update(bytes).digest('hex')}"`;
	if (method !== 'PUT')
		return void response
			.writeHead(found ? 200 : 404, found ? { etag: tag(found) } : {})
			.end(method === 'GET' ? found : '');
	if (headers['if-none-match'] === '*' && found) return void response.writeHead(412).end();
	if (headers['if-match'] && headers['if-match'] !== (found && tag(found)))
		return void response.writeHead(found ? 412 : 404).end();
	objects.set(url, body);
	response.writeHead(200, { etag: tag(body) }).end();
}
