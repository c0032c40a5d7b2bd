/** One HTTP request over kept connections. Everything that can go wrong with a server that is being killed is an error. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface Reply {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: Buffer;
}

const TIMEOUT_MS = 15_000;

export interface HttpClient {
	ask(url: string, options?: { body?: Buffer | string; token?: string; timeoutMs?: number }): Promise<Reply>;
	close(): void;
}

export function createHttpClient(): HttpClient {
	const agent = new Agent({ keepAlive: true, maxSockets: 1024 });
	return {
		ask: (url, { body, token, timeoutMs = TIMEOUT_MS } = {}) =>
			new Promise((resolve, reject) => {
				const headers: Record<string, string | number> = {};
				if (body !== undefined) {
					headers['content-type'] = 'application/json';
					headers['content-length'] = Buffer.byteLength(body);
				}
				if (token !== undefined) headers.authorization = `Bearer ${token}`;
				const sent = request(url, { agent, headers, method: body === undefined ? 'GET' : 'POST' }, (reply) => {
					const parts: Buffer[] = [];
					reply.on('data', (part: Buffer) => parts.push(part));
					reply.on('error', reject);
					reply.on('aborted', () => reject(new Error('the answer was cut off')));
					reply.on('end', () => {
						clearTimeout(timer);
						resolve({ status: reply.statusCode ?? 0, headers: reply.headers, body: Buffer.concat(parts) });
					});
				});
				const timer = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
				sent.on('error', (error) => {
					clearTimeout(timer);
					reject(error);
				});
				sent.end(body);
			}),
		close: () => agent.destroy(),
	};
}
