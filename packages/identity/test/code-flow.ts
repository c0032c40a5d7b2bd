/** The two halves of an authorization code flow as clients do them, with the person's part in between. */
import { createHash, randomBytes } from 'node:crypto';
import { Browser, type Visit } from './browser.ts';
import type { IdentityServer } from './identity-server.ts';

export interface Discovery {
	readonly issuer: string;
	readonly authorization_endpoint: string;
	readonly token_endpoint: string;
	readonly device_authorization_endpoint: string;
	readonly jwks_uri: string;
	readonly [member: string]: unknown;
}

export async function discover(issuer: string): Promise<Discovery> {
	return (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Discovery;
}

export function newVerifier(): { verifier: string; challenge: string } {
	const verifier = randomBytes(32).toString('base64url');
	return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** The parameters that every client sends; `extra` adds and replaces, undefined removes. */
export function authorizationUrl(
	discovery: Discovery,
	challenge: string,
	extra: Record<string, string | undefined> = {},
): string {
	const url = new URL(discovery.authorization_endpoint);
	const params = {
		response_type: 'code',
		client_id: 'sigstore',
		scope: 'openid email',
		redirect_uri: 'http://localhost:50505/auth/callback',
		state: 'the-state',
		code_challenge: challenge,
		code_challenge_method: 'S256',
		...extra,
	};
	for (const [name, value] of Object.entries(params)) if (value !== undefined) url.searchParams.set(name, value);
	return url.href;
}

/** Opens the address and fills in the development login. */
export async function signIn(browser: Browser, url: string, email: string): Promise<Visit> {
	const page = await browser.open(url);
	if (page.status !== 200) throw new Error(`no login page: ${page.status} ${page.body}`);
	return browser.submit(Browser.action(page), { email });
}

/** Signs `email` in and returns the code that the client would receive. */
export async function obtainCode(
	server: IdentityServer,
	discovery: Discovery,
	challenge: string,
	extra: Record<string, string | undefined> = {},
	email = 'alice@example.com',
): Promise<string> {
	const end = await signIn(new Browser(server.publicUrl), authorizationUrl(discovery, challenge, extra), email);
	if (end.leftFor === undefined) return /<p class="code" id="code">([^<]+)</.exec(end.body)?.[1] ?? '';
	return new URL(end.leftFor).searchParams.get('code') ?? '';
}

export interface TokenAnswer {
	readonly status: number;
	readonly body: Record<string, string>;
}

/** POST to the token endpoint. `basic` is `id:secret` as the client puts it into the header. */
export async function requestToken(
	discovery: Discovery,
	form: Record<string, string>,
	basic?: string,
): Promise<TokenAnswer> {
	const response = await fetch(discovery.token_endpoint, {
		method: 'POST',
		body: new URLSearchParams(form),
		headers: basic === undefined ? {} : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
	});
	return { status: response.status, body: (await response.json()) as Record<string, string> };
}
