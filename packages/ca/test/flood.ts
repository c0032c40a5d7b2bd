/** Many connections to a running authority that send one request after the other. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Reply {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly body: string;
}

export interface Client {
	/** Sends a body to `POST /api/v2/signingCert`. */
	send(body: string): Promise<Reply>;
	close(): void;
}

export function openClient(baseUrl: string, maxSockets: number): Client {
	const agent = new Agent({ keepAlive: true, maxSockets });
	return {
		send: (body) =>
			new Promise((resolve, reject) => {
				const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
				const sent = request(`${baseUrl}/api/v2/signingCert`, { method: 'POST', agent, headers }, (answer) => {
					let text = '';
					answer.setEncoding('utf8');
					answer.on('data', (chunk: string) => {
						text += chunk;
					});
					answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }));
					answer.on('error', reject);
				});
				sent.on('error', reject);
				sent.end(body);
			}),
		close: () => agent.destroy(),
	};
}

export interface Flood {
	/** Resolves when so many more have been answered. */
	answered(count: number): Promise<void>;
	/** Returns all replies when the last one is there. */
	stop(): Promise<Reply[]>;
}

/**
 * Connections that send the next body soon after the last one was answered. Without a pause it would be a flood of
 * requests that are refused, which costs CPU time here as anywhere, and is another thing than places that are held.
 */
export function flood(
	client: Client,
	{ connections, pauseMs }: { readonly connections: number; readonly pauseMs: number },
	bodyOf: (i: number) => string,
): Flood {
	const replies: Reply[] = [];
	let sent = 0;
	let stopped = false;
	const run = async () => {
		while (!stopped) {
			replies.push(await client.send(bodyOf(sent++)));
			await sleep(pauseMs);
		}
	};
	const runs = Array.from({ length: connections }, run);
	return {
		async answered(count) {
			for (const until = replies.length + count; replies.length < until; ) await sleep(5);
		},
		async stop() {
			stopped = true;
			await Promise.all(runs);
			return replies;
		},
	};
}
