/** A person who signs in, by pages or for a device. Registers everything that must stay between person and provider. */
import { createHash, randomBytes } from 'node:crypto';
import type { Asked, Recorder } from './recorder.ts';
import type { SecretRegistry } from './secret-registry.ts';

export interface SignInDeps {
	readonly issuer: string;
	readonly recorder: Recorder;
	readonly registry: SecretRegistry;
}

export interface Tokens {
	readonly idToken: string;
	readonly accessToken: string;
	readonly code: string;
	readonly verifier: string;
}

const MAX_REDIRECTS = 8;
const REDIRECT_URI = 'http://localhost:50505/auth/callback';

/** Cookies of one browser. */
export class Browser {
	readonly #deps: SignInDeps;
	readonly #cookies = new Map<string, string>();

	constructor(deps: SignInDeps) {
		this.#deps = deps;
	}

	/** Follows redirects within the issuer's origin; returns the last page, or the address of another origin. */
	async go(url: string, form?: Record<string, string>): Promise<{ page: Asked; leftFor: string | undefined }> {
		const { issuer, recorder } = this.#deps;
		let at = new URL(url, issuer);
		let body = form;
		for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
			const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
			const page = await recorder.ask('sign-in page', at.href, {
				headers: { ...(cookie ? { cookie } : {}), ...(body ? { origin: at.origin } : {}) },
				...(body ? { method: 'POST', body: new URLSearchParams(body) } : {}),
			});
			for (const line of page.headers.getSetCookie()) this.#store(line);
			const location = page.headers.get('location');
			if (location === null) return { page, leftFor: undefined };
			at = new URL(location, at);
			body = undefined;
			if (at.origin !== new URL(issuer).origin) return { page, leftFor: at.href };
		}
		throw new Error('the sign-in redirects without end');
	}

	#store(line: string): void {
		const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
		if (value === '') return void this.#cookies.delete(name);
		this.#cookies.set(name, this.#deps.registry.addText(`cookie ${name}`, value));
	}
}

/** The authorization code flow with PKCE, through the development login. `headers` are those of the token request. */
export async function signInByPages(
	deps: SignInDeps,
	email: string,
	beforeRedeeming: () => Promise<void>,
	headers: Record<string, string> = {},
): Promise<Tokens> {
	const { url, verifier } = authorization(deps);
	const browser = new Browser(deps);
	const { page } = await browser.go(url);
	const { leftFor } = await browser.go(actionOf(page), { email });
	return redeemCode(deps, leftFor, verifier, beforeRedeeming, headers);
}

/** An authorization request with PKCE: the address for the browser, and what redeems its code. */
export function authorization(
	{ issuer, registry }: SignInDeps,
	extra: Record<string, string> = {},
): { readonly url: string; readonly verifier: string } {
	const verifier = registry.addText('PKCE verifier', randomBytes(32).toString('base64url'));
	const query = new URLSearchParams({
		response_type: 'code',
		client_id: 'sigstore',
		scope: 'openid email',
		redirect_uri: REDIRECT_URI,
		state: 'a-state',
		nonce: 'a-nonce',
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
		code_challenge_method: 'S256',
		...extra,
	});
	return { url: `${issuer}/auth?${query}`, verifier };
}

/** Redeems the code in the address `leftFor`, to which the browser was sent back. */
export async function redeemCode(
	deps: SignInDeps,
	leftFor: string | undefined,
	verifier: string,
	beforeRedeeming: () => Promise<void>,
	headers: Record<string, string> = {},
): Promise<Tokens> {
	const code = deps.registry.addText('authorization code', new URL(leftFor ?? '').searchParams.get('code') ?? '');
	await beforeRedeeming();
	const grant = { grant_type: 'authorization_code', code, code_verifier: verifier };
	return { ...(await redeem(deps, grant, headers)), code, verifier };
}

/** The device flow (RFC 8628): the program waits while the person types the code. */
export async function signInOnDevice(
	deps: SignInDeps,
	email: string,
	beforeRedeeming: () => Promise<void>,
): Promise<Tokens> {
	const { issuer, registry, recorder } = deps;
	const answer = await recorder.ask('device authorization', `${issuer}/device/code`, {
		method: 'POST',
		body: new URLSearchParams({ client_id: 'sigstore', scope: 'openid email' }),
	});
	const { device_code, user_code } = JSON.parse(answer.text) as Record<string, string>;
	const code = registry.addText('device code', device_code ?? '');
	const grant = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', device_code: code };
	await token(deps, grant);
	const browser = new Browser(deps);
	const send = (page: Asked, more: object) =>
		browser.go(actionOf(page), { xsrf: hidden(page, 'xsrf'), user_code: user_code ?? '', ...more });
	const { page: typed } = await browser.go(`${issuer}/device`);
	const { page: confirm } = await send(typed, {});
	const { page: login } = await send(confirm, { confirm: 'yes' });
	await browser.go(actionOf(login), { email });
	await beforeRedeeming();
	return { ...(await redeem(deps, grant)), code, verifier: '' };
}

/** Calls the token endpoint, whatever the result. */
export function token(
	deps: SignInDeps,
	form: Record<string, string>,
	headers: Record<string, string> = {},
): Promise<Asked> {
	return askToken(deps, { client_id: 'sigstore', redirect_uri: REDIRECT_URI, ...form }, headers);
}

/** Calls the token endpoint with exactly these parameters. */
export function askToken(
	{ issuer, recorder }: SignInDeps,
	form: Record<string, string>,
	headers: Record<string, string> = {},
): Promise<Asked> {
	const body = new URLSearchParams(form);
	return recorder.ask('token endpoint', `${issuer}/token`, { method: 'POST', body, headers });
}

/** Header of a client and its secret; both are percent-encoded already where they have to be (RFC 6749 section 2.3.1). */
export const basic = (id: string, secret: string): Record<string, string> => ({
	authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
});

async function redeem(
	deps: SignInDeps,
	form: Record<string, string>,
	headers: Record<string, string> = {},
): Promise<{ idToken: string; accessToken: string }> {
	const { status, text } = await token(deps, form, headers);
	if (status !== 200) throw new Error(`the token endpoint answered ${status}: ${text}`);
	const { id_token, access_token, refresh_token } = JSON.parse(text) as Record<string, string>;
	if (refresh_token !== undefined) deps.registry.addText('refresh token', refresh_token);
	return {
		idToken: deps.registry.addToken('identity token', id_token ?? ''),
		accessToken: deps.registry.addToken('access token', access_token ?? ''),
	};
}

function actionOf({ text, status }: Asked): string {
	const [, action] = /<form method="post" action="([^"]+)"/.exec(text) ?? [];
	if (action === undefined) throw new Error(`a page without a form (${status}): ${text.slice(0, 300)}`);
	return action;
}

function hidden({ text }: Asked, name: string): string {
	return new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? '';
}
