/**
 * An identity provider with a login: discovery, a page with a form, codes, tokens and userinfo, as OpenID Connect Core 1.0
 * describes them. It believes every user name. A test may change what it does while it runs, one fault at a time.
 */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makeOpenIdIssuer, type OpenIdIssuer } from './openid-issuer.ts';

export interface ProviderAnswer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/** What a test changes. */
export interface ProviderBehavior {
	/** The claims of an ID token, made of those that it would have. */
	readonly claims: (claims: Record<string, unknown>) => Record<string, unknown>;
	/** The answer to a request for `path` (below the issuer), made of the one that would be sent; undefined: none ever comes. */
	readonly answer: (path: string, usual: ProviderAnswer) => ProviderAnswer | undefined;
	/** Signs in the place of the key that it shows. */
	readonly sign: ((claims: Record<string, unknown>) => string) | undefined;
}

export interface OpenIdProvider {
	readonly issuer: string;
	/** Where it listens: also where the issuer names another host. */
	readonly origin: string;
	/** `POST /token` and so on, below the issuer, in the order in which they came. */
	readonly requests: readonly string[];
	/** Until the next call: what is not named is as usual. */
	behave(changes: Partial<ProviderBehavior>): void;
	/** Forgets its key and has another, with another `kid`. */
	rotate(): void;
	close(): Promise<void>;
}

export interface ProviderOptions {
	/** Below its own address by default. */
	readonly issuer?: string;
	/** Client ids and their secrets; undefined for public clients. */
	readonly clients: Readonly<Record<string, string | undefined>>;
	/** PEM; plain HTTP without it. */
	readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
	readonly port?: number;
}

interface Grant {
	readonly params: URLSearchParams;
	readonly user: string;
}

const USUAL: ProviderBehavior = { claims: (claims) => claims, answer: (_path, usual) => usual, sign: undefined };
const TOKEN_SECONDS = 300;
const MAX_BODY_CHARS = 64 * 1024;

/** `alice` has the address `alice@example.com`; a user name with `@` is its own address. */
export const addressOf = (user: string): string => (user.includes('@') ? user : `${user}@example.com`);

/** Listens on a loopback port until `close`. */
export async function startOpenIdProvider(options: ProviderOptions): Promise<OpenIdProvider> {
	let behavior = USUAL;
	let shown: OpenIdIssuer;
	let keys = 0;
	const codes = new Map<string, Grant>();
	const tokens = new Map<string, Record<string, unknown>>();
	const requests: string[] = [];

	const answerTo = async (request: IncomingMessage): Promise<ProviderAnswer | undefined> => {
		const url = new URL(request.url ?? '/', origin);
		const base = new URL(issuer).pathname.replace(/\/$/, '');
		const path = url.pathname.startsWith(base) ? url.pathname.slice(base.length) : url.pathname;
		requests.push(`${request.method} ${path}`);
		const body = new URLSearchParams(await textOf(request));
		return behavior.answer(path, usualAnswer(path, request, url, body));
	};

	const usualAnswer = (path: string, request: IncomingMessage, url: URL, body: URLSearchParams): ProviderAnswer => {
		const document = shown.documents[url.pathname];
		if (document !== undefined) return { status: 200, headers: { 'content-type': 'application/json' }, body: document };
		if (path === '/auth' && request.method === 'GET') return loginPage(url.searchParams, options.clients);
		if (path === '/auth') return afterLogin(url.searchParams, body, codes, issuer);
		if (path === '/token') return tokenAnswer(request, body);
		if (path === '/userinfo') {
			const claims = tokens.get(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
			return claims ? json(200, claims) : json(401, { error: 'invalid_token' });
		}
		return json(404, { error: 'not_found' });
	};

	const tokenAnswer = (request: IncomingMessage, form: URLSearchParams): ProviderAnswer => {
		const client = clientOf(request, form);
		if (!Object.hasOwn(options.clients, client.id) || options.clients[client.id] !== client.secret)
			return json(401, { error: 'invalid_client', error_description: 'wrong client or client credentials' }, BASIC);
		const grant = codes.get(form.get('code') ?? '');
		codes.delete(form.get('code') ?? '');
		const isMeant =
			grant?.params.get('client_id') === client.id &&
			grant.params.get('redirect_uri') === form.get('redirect_uri') &&
			grant.params.get('code_challenge') === sha256(form.get('code_verifier') ?? '');
		if (!grant || !isMeant) return json(400, { error: 'invalid_grant', error_description: 'the code is not valid' });
		const iat = Math.floor(Date.now() / 1000);
		const nonce = grant.params.get('nonce');
		const person = { sub: `id-of-${grant.user}`, email: addressOf(grant.user), email_verified: true };
		const claims = behavior.claims({
			...{ iss: issuer, aud: client.id, iat, exp: iat + TOKEN_SECONDS, ...(nonce === null ? {} : { nonce }) },
			...person,
		});
		const accessToken = randomBytes(24).toString('base64url');
		tokens.set(accessToken, { ...person, sub: claims.sub });
		return json(200, {
			...{ access_token: accessToken, token_type: 'Bearer', expires_in: TOKEN_SECONDS, scope: 'openid email' },
			id_token: (behavior.sign ?? shown.sign)(claims),
		});
	};

	const listener: RequestListener = (request, response) => {
		void answerTo(request).then((answer) => {
			if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
		});
	};
	const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
	await once(server.listen(options.port ?? 0, '127.0.0.1'), 'listening');
	const { port } = server.address() as AddressInfo;
	const origin = options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
	const issuer = options.issuer ?? `${origin}/people`;
	const rotate = () => {
		shown = makeOpenIdIssuer(issuer, `key-${++keys}`);
	};
	rotate();
	return {
		issuer,
		origin,
		requests,
		rotate,
		behave(changes) {
			behavior = { ...USUAL, ...changes };
		},
		async close() {
			server.closeAllConnections();
			await once(server.close(), 'close');
		},
	};
}

const BASIC = { 'www-authenticate': 'Basic realm="people"' };

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): ProviderAnswer {
	return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) };
}

/** The page of the provider: a form for the user name, and a way out. */
function loginPage(params: URLSearchParams, clients: ProviderOptions['clients']): ProviderAnswer {
	const isKnown = Object.hasOwn(clients, params.get('client_id') ?? '') && params.get('response_type') === 'code';
	const page = (body: string) =>
		`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>People</title></head><body><main><h1>People</h1>${body}</main></body></html>`;
	const headers = { 'content-type': 'text/html; charset=utf-8' };
	if (!isKnown) return { status: 400, headers, body: page('<p>Unknown client.</p>') };
	return {
		status: 200,
		headers,
		body: page(
			'<form method="post"><p><label for="user">User name</label> <input id="user" name="user" autofocus></p>' +
				'<p><button type="submit">Sign in</button> <button type="submit" name="cancel" value="1">Cancel</button></p></form>',
		),
	};
}

function afterLogin(
	params: URLSearchParams,
	form: URLSearchParams,
	codes: Map<string, Grant>,
	issuer: string,
): ProviderAnswer {
	const back = new URL(params.get('redirect_uri') ?? '');
	if (form.has('cancel')) {
		back.searchParams.set('error', 'access_denied');
		back.searchParams.set('error_description', 'the person cancelled');
	} else {
		const code = randomBytes(24).toString('base64url');
		codes.set(code, { params, user: form.get('user') ?? '' });
		back.searchParams.set('code', code);
	}
	back.searchParams.set('state', params.get('state') ?? '');
	// RFC 9207.
	back.searchParams.set('iss', issuer);
	return { status: 303, headers: { location: back.href }, body: '' };
}

/** RFC 6749 section 2.3.1: both halves of the header are form encoded. */
function clientOf(request: IncomingMessage, form: URLSearchParams): { id: string; secret: string | undefined } {
	const [, basic] = /^Basic (.*)$/.exec(request.headers.authorization ?? '') ?? [];
	if (basic === undefined) return { id: form.get('client_id') ?? '', secret: form.get('client_secret') ?? undefined };
	const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString().split(':', 2);
	const decode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));
	return { id: decode(id), secret: decode(secret) };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');

async function textOf(request: IncomingMessage): Promise<string> {
	let text = '';
	for await (const chunk of request) {
		text += String(chunk);
		if (text.length > MAX_BODY_CHARS) throw new Error('the request is too long');
	}
	return text;
}
