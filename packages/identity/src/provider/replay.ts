/**
 * Passes a request whose body has been read to the provider as if it had just arrived, after the few changes that Sigstore's
 * clients need to work with the library.
 */
import { IncomingMessage } from 'node:http';
import { AUTH_PATH } from '@chancery/wire/identity';
import { SESSION_COOKIES } from './cookies.ts';

export interface ReplayOptions {
	/** Host of the public URL, with its port when it has one. */
	readonly publicHost: string;
	/** Ids of the public clients. */
	readonly clients: readonly string[];
}

/** The request for the provider: `original` with its body, without the prefix of the issuer's path. */
export function replayRequest(original: IncomingMessage, body: Uint8Array, options: ReplayOptions): IncomingMessage {
	const request = new IncomingMessage(original.socket);
	request.method = original.method ?? 'GET';
	request.url = (original.url ?? '').slice(AUTH_PATH.length);
	const path = request.url.split('?', 1)[0] ?? '';
	const headers = { ...original.headers };
	// The addresses in answers come from the configuration. A forged Host header must not get into them.
	headers.host = options.publicHost;
	delete headers['transfer-encoding'];

	let content = body;
	if (request.method === 'POST' && path === '/token') {
		const form = publicClientForm(headers.authorization, body, options.clients);
		if (form !== undefined) {
			content = new TextEncoder().encode(form);
			headers['content-type'] = 'application/x-www-form-urlencoded';
			delete headers.authorization;
		}
	}
	if (startsAfresh(request.method, path) && headers.cookie !== undefined)
		headers.cookie = withoutCookies(headers.cookie, SESSION_COOKIES);

	if (content.length > 0) headers['content-length'] = String(content.length);
	else delete headers['content-length'];
	request.headers = headers;
	if (content.length > 0) request.push(content);
	request.push(null);
	request.complete = true;
	return request;
}

/**
 * Every sign-in begins without the session of an earlier one: the person states each time who signs, and a web page cannot get
 * a code with a login that is still remembered. Only the steps of one device flow share a session, which contains the secret
 * of its forms.
 */
function startsAfresh(method: string, path: string): boolean {
	return path === '/auth' || path.startsWith('/auth/') || (method === 'GET' && path === '/device');
}

/**
 * The token request of a public client that authenticates although it has no secret, with HTTP Basic (sigstore-python and Go send
 * an empty one, sigstore-rs sends the given one) or in the form, in the form of the library: the client id in the form. A secret
 * proves nothing for a public client, so it is dropped and not compared.
 *
 * Undefined leaves the request as it is: other clients, other schemes, or a form that names another client. The library refuses
 * all of these with its own messages.
 */
function publicClientForm(
	authorization: string | undefined,
	body: Uint8Array,
	clients: readonly string[],
): string | undefined {
	if (authorization === undefined) return withoutSecret(body, clients);
	const credentials = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization)?.[1];
	if (credentials === undefined) return undefined;
	const [encodedId = ''] = Buffer.from(credentials, 'base64').toString('utf8').split(':', 1);
	const clientId = new URLSearchParams(`id=${encodedId.replaceAll('&', '%26')}`).get('id') ?? '';
	if (!clients.includes(clientId)) return undefined;
	const form = new URLSearchParams(new TextDecoder().decode(body));
	if (form.getAll('client_id').some((named) => named !== clientId)) return undefined;
	form.set('client_id', clientId);
	form.delete('client_secret');
	return form.toString();
}

/** The form without the secret of a public client that it names; undefined when there is none. */
function withoutSecret(body: Uint8Array, clients: readonly string[]): string | undefined {
	const form = new URLSearchParams(new TextDecoder().decode(body));
	const [clientId = '', ...more] = form.getAll('client_id');
	if (more.length > 0 || !clients.includes(clientId) || !form.has('client_secret')) return undefined;
	form.delete('client_secret');
	return form.toString();
}

function withoutCookies(header: string, names: readonly string[]): string {
	return header
		.split(';')
		.filter((pair) => !names.includes(pair.split('=', 1)[0]?.trim() ?? ''))
		.join(';');
}
