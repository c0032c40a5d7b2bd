/** An issuer on a loopback port that signs whatever a test wants: what a client must refuse as well as what it takes. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export interface Answer {
	readonly status?: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body: object | string;
}

export interface TokenIssuer {
	readonly url: string;
	/** Forms that the token endpoint got, with the header `authorization` beside them. */
	readonly forms: Record<string, string>[];
	/** What the token endpoint answers next. */
	answer: (form: Record<string, string>) => Promise<Answer>;
	/** A token of this issuer; `changes` replace claims, undefined removes one. */
	sign(changes?: Record<string, unknown>, at?: { readonly stranger?: boolean; readonly kid?: string }): Promise<string>;
	close(): Promise<void>;
}

export async function startTokenIssuer(path = '/auth'): Promise<TokenIssuer> {
	const [own, stranger] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')]);
	const jwk = { ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'RS256', use: 'sig' };
	const issuer: TokenIssuer = {
		url: '',
		forms: [],
		answer: async () => ({ status: 400, body: { error: 'invalid_grant' } }),
		sign: (changes = {}, at = {}) => {
			const now = Math.floor(Date.now() / 1000);
			const claims = { iss: issuer.url, sub: 'machine', aud: 'sigstore', iat: now, exp: now + 60, ...changes };
			return new SignJWT(claims)
				.setProtectedHeader({ alg: 'RS256', kid: at.kid ?? 'own' })
				.sign(at.stranger ? stranger.privateKey : own.privateKey);
		},
		close: async () => {
			server.closeAllConnections();
			server.close();
		},
	};
	const server = createServer(async (request, response) => {
		const { status = 200, headers = {}, body } = await handle(issuer, jwk, path, request);
		response.writeHead(status, { 'content-type': 'application/json', ...headers });
		response.end(typeof body === 'string' ? body : JSON.stringify(body));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	Object.assign(issuer, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}` });
	return issuer;
}

async function handle(issuer: TokenIssuer, jwk: object, path: string, request: IncomingMessage): Promise<Answer> {
	const place = request.url ?? '';
	if (place === `${path}/token`) {
		const form = Object.fromEntries(new URLSearchParams(await text(request)));
		issuer.forms.push({ ...form, authorization: request.headers.authorization ?? '' });
		return issuer.answer(form);
	}
	if (place === `${path}/keys`) return { body: { keys: [jwk] } };
	const discovered = /^(.*)\/\.well-known\/openid-configuration$/.exec(place)?.[1];
	if (discovered === undefined) return { status: 404, body: {} };
	const { origin } = new URL(issuer.url);
	return {
		body: {
			issuer: origin + discovered,
			authorization_endpoint: `${issuer.url}/auth`,
			token_endpoint: `${issuer.url}/token`,
			jwks_uri: `${issuer.url}/keys`,
		},
	};
}
