/**
 * A login in the browser of this machine: the provider redirects it to a port of loopback, where this process waits (RFC 8252
 * section 7.3). Other programs of the machine can reach that port too: without the state of this login they change nothing,
 * and a code is worth nothing without the verifier.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ClientError } from '../client-error.ts';
import { beginCodeFlow } from './code-flow.ts';
import type { IssuerClient, IssuerDeps } from './issuer.ts';

export interface BrowserLoginDeps extends IssuerDeps {
	/** Shows the address to the person, in a browser where there is one. */
	readonly show: (url: string) => void;
}

const PATH = '/auth/callback';
const LOGIN_WITHIN_MS = 5 * 60 * 1000;
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Returns the ID token of whoever signs in.
 * @throws {ClientError} `login-refused`, also when nobody signs in within five minutes; and as `beginCodeFlow`
 */
export async function logInWithBrowser(client: IssuerClient, deps: BrowserLoginDeps): Promise<string> {
	const answer = Promise.withResolvers<URL>();
	let state: string | undefined;
	const receive = (request: IncomingMessage, response: ServerResponse) => {
		const url = URL.parse(request.url ?? '/', 'http://localhost');
		if (request.method !== 'GET' || url?.pathname !== PATH) return reply(response, 404, 'Nothing is here.');
		// Whatever does not belong to this login must not end it.
		if (state === undefined || url.searchParams.get('state') !== state)
			return reply(response, 400, 'This answer belongs to another login.');
		reply(
			response,
			200,
			url.searchParams.has('error')
				? 'You are not signed in. The program says why; this page can be closed.'
				: 'Go back to the program. This page can be closed.',
		);
		answer.resolve(new URL(redirectUri + url.search));
	};
	const { servers, port } = await listenOnLoopback(receive);
	const redirectUri = `http://localhost:${port}${PATH}`;
	const timer = setTimeout(
		() => answer.reject(new ClientError('login-refused', 'nobody signed in within five minutes')),
		LOGIN_WITHIN_MS,
	);
	const abort = () => answer.reject(deps.signal?.reason);
	deps.signal?.addEventListener('abort', abort);
	try {
		const login = await beginCodeFlow(client, redirectUri, deps);
		state = login.state;
		deps.show(login.url);
		return await login.finish(await answer.promise);
	} finally {
		clearTimeout(timer);
		deps.signal?.removeEventListener('abort', abort);
		for (const server of servers) {
			server.close();
			server.closeIdleConnections();
		}
	}
}

const TRIES = 5;

/** On both loopback addresses, where there are two: a browser takes either for `localhost`. */
async function listenOnLoopback(
	receive: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ readonly servers: readonly Server[]; readonly port: number }> {
	for (let tries = 0; tries < TRIES; tries++) {
		const first = await listen(receive, '127.0.0.1', 0);
		const { port } = first.address() as AddressInfo;
		try {
			return { servers: [first, await listen(receive, '::1', port)], port };
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') return { servers: [first], port };
			first.close();
			// Of another program: it would get the answers of this login.
			if (code !== 'EADDRINUSE') throw error;
		}
	}
	throw new ClientError('login-refused', 'no port of loopback is free on both of its addresses');
}

async function listen(
	receive: (request: IncomingMessage, response: ServerResponse) => void,
	host: string,
	port: number,
): Promise<Server> {
	const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, receive);
	server.listen(port, host);
	await once(server, 'listening');
	return server;
}

function reply(response: ServerResponse, status: number, words: string): void {
	response
		.writeHead(status, {
			'content-type': 'text/html; charset=utf-8',
			'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
			'referrer-policy': 'no-referrer',
			'cache-control': 'no-store',
			connection: 'close',
		})
		.end(`<!doctype html><html lang="en"><meta charset="utf-8"><title>Chancery</title><p>${words}</p></html>\n`);
}
