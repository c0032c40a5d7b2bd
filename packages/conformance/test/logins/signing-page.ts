/**
 * A page that lets its visitor sign in, as one that signs in a browser will: PKCE, and a DPoP proof by a key that never leaves
 * the browser. It is all in its own script, and shows what it got.
 */
import { createServer, type Server } from 'node:http';

export interface SigningPage {
	readonly port: number;
	readonly issuer: string;
	/** Of the web client. */
	readonly clientId: string;
	/** Whose redirect URI the requests have; the page's own unless it pretends to be another. */
	readonly redirectUri: string;
}

/** Serves it on loopback. */
export async function serveSigningPage(page: SigningPage): Promise<Server> {
	const server = createServer((request, response) => {
		if (request.url === '/favicon.ico') return response.writeHead(204).end();
		response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
		return response.end(`<!doctype html><html lang="en"><title>Sign</title><body>
<button type="button" id="begin">Begin</button><pre id="result"></pre>
<script type="module">${script(page)}</script>`);
	});
	await new Promise<void>((resolve) => server.listen(page.port, '127.0.0.1', resolve));
	return server;
}

const script = ({ issuer, clientId, redirectUri }: SigningPage) => `
const issuer = ${JSON.stringify(issuer)}, client_id = ${JSON.stringify(clientId)}, redirect_uri = ${JSON.stringify(redirectUri)};
const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const text = (value) => new TextEncoder().encode(value);
const part = (value) => base64url(text(JSON.stringify(value)));
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const show = (value) => { document.getElementById('result').textContent = JSON.stringify(value); };
const discover = async () => (await fetch(issuer + '/.well-known/openid-configuration')).json();

async function newProof(htu) {
	const key = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
	const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', key.publicKey);
	const signed = part({ alg: 'ES256', typ: 'dpop+jwt', jwk: { kty, crv, x, y } }) + '.' +
		part({ htm: 'POST', htu, iat: Math.floor(Date.now() / 1000), jti: random() });
	const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, text(signed));
	return signed + '.' + base64url(signature);
}

document.getElementById('begin').onclick = async () => {
	const { authorization_endpoint } = await discover();
	const [verifier, state] = [random(), random()];
	sessionStorage.setItem(state, verifier);
	const code_challenge = base64url(await crypto.subtle.digest('SHA-256', text(verifier)));
	location.href = authorization_endpoint + '?' + new URLSearchParams({ response_type: 'code', client_id, redirect_uri,
		scope: 'openid email', state, nonce: random(), code_challenge, code_challenge_method: 'S256' });
};

const answer = new URLSearchParams(location.search);
if (answer.has('code')) {
	const { token_endpoint } = await discover();
	const code_verifier = sessionStorage.getItem(answer.get('state')) ?? 'unknown-'.repeat(6);
	try {
		const response = await fetch(token_endpoint, { method: 'POST', headers: { dpop: await newProof(token_endpoint) },
			body: new URLSearchParams({ grant_type: 'authorization_code', client_id, redirect_uri, code: answer.get('code'), code_verifier }) });
		show({ status: response.status, iss: answer.get('iss'), body: await response.json() });
	} catch (error) {
		show({ blocked: error.name });
	}
}
`;
