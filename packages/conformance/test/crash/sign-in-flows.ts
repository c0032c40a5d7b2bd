/** What a client and a person's browser send during a sign-in, one request after the other, each told before it is sent. */
import { createHash, randomBytes } from 'node:crypto';

export interface SignInPlace {
	readonly issuer: string;
	/** A new token of the platform whose tokens are exchanged. */
	readonly subjectToken: () => Promise<string>;
	/** Called before each request to the issuer. */
	readonly beforeRequest: () => Promise<void>;
}

/** What is left to do: the request that gets the tokens, which a client may repeat. */
export type Redeem = () => Promise<{ readonly status: number; readonly body: Record<string, string> }>;

export type Flow = (place: SignInPlace) => Promise<Redeem>;

const REDIRECT_URI = 'http://localhost:50505/auth/callback';
const EMAIL = 'alice@example.com';
const MAX_REDIRECTS = 8;
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

interface Page {
	readonly status: number;
	readonly body: string;
	readonly url: string;
	/** Where the browser was sent, when that is another origin. */
	readonly leftFor: string | undefined;
}

/** Cookies by origin; every redirect is a request of its own, and told as one. */
class Browser {
	readonly #place: SignInPlace;
	readonly #cookies = new Map<string, Map<string, string>>();

	constructor(place: SignInPlace) {
		this.#place = place;
	}

	async go(url: string, form?: Record<string, string>): Promise<Page> {
		let at = new URL(url);
		let body = form;
		const { origin } = at;
		for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
			if (origin === new URL(this.#place.issuer).origin) await this.#place.beforeRequest();
			const cookies = this.#cookies.get(origin) ?? new Map<string, string>();
			this.#cookies.set(origin, cookies);
			const response = await fetch(at, {
				redirect: 'manual',
				headers: {
					accept: 'text/html',
					cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
					...(body ? { origin } : {}),
				},
				...(body ? { method: 'POST', body: new URLSearchParams(body) } : {}),
			});
			for (const line of response.headers.getSetCookie()) {
				const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
				if (value === '') cookies.delete(name);
				else cookies.set(name, value);
			}
			const page = { status: response.status, body: await response.text(), url: at.href };
			const location = response.headers.get('location');
			if (location === null) return { ...page, leftFor: undefined };
			at = new URL(location, at);
			body = undefined;
			if (at.origin !== origin) return { ...page, leftFor: at.href };
		}
		throw new Error('the sign-in redirects without end');
	}
}

/** The authorization code flow; the person types an address at our own page. */
export const codeFlow: Flow = async (place) => {
	const browser = new Browser(place);
	const { url, redeem } = authorization(place);
	const page = await browser.go(url);
	const end = await browser.go(addressIn(page, /<form[^>]*action="([^"]*\/development)"/), { email: EMAIL });
	return redeem(end);
};

/** The same; the person signs in at an upstream provider, whose own page is of the same kind. */
export const upstreamFlow: Flow = async (place) => {
	const browser = new Browser(place);
	const { url, redeem } = authorization(place);
	const page = await browser.go(url);
	const gone = await browser.go(addressIn(page, /href="([^"]*\/upstream\?[^"]*)"/));
	const login = await browser.go(gone.leftFor ?? '');
	const back = await browser.go(addressIn(login, /<form[^>]*action="([^"]*\/development)"/), { email: EMAIL });
	return redeem(await browser.go(back.leftFor ?? ''));
};

/** The device flow (RFC 8628). */
export const deviceFlow: Flow = async (place) => {
	await place.beforeRequest();
	const began = await fetch(`${place.issuer}/device/code`, {
		method: 'POST',
		body: new URLSearchParams({ client_id: 'sigstore', scope: 'openid email' }),
	});
	const { device_code = '', user_code = '' } = (await began.json()) as Record<string, string>;
	const browser = new Browser(place);
	const send = (page: Page, more: object) =>
		browser.go(addressIn(page, /<form[^>]*action="([^"]*\/device)"/), {
			xsrf: /name="xsrf" value="([^"]*)"/.exec(page.body)?.[1] ?? '',
			user_code,
			...more,
		});
	const confirm = await send(await browser.go(`${place.issuer}/device`), {});
	const login = await send(confirm, { confirm: 'yes' });
	await browser.go(addressIn(login, /<form[^>]*action="([^"]*\/development)"/), { email: EMAIL });
	return () => askForToken(place, { grant_type: DEVICE_CODE, device_code, client_id: 'sigstore' });
};

/** A token exchange (RFC 8693), which is one request; the subject token is good for one. */
export const exchangeFlow: Flow = async (place) => {
	const subject_token = await place.subjectToken();
	return () =>
		askForToken(place, {
			grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
			client_id: 'sigstore',
			subject_token,
			subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
		});
};

function authorization(place: SignInPlace): { url: string; redeem: (end: Page) => Redeem } {
	const verifier = randomBytes(32).toString('base64url');
	const query = new URLSearchParams({
		response_type: 'code',
		client_id: 'sigstore',
		scope: 'openid email',
		redirect_uri: REDIRECT_URI,
		state: 'a-state',
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
		code_challenge_method: 'S256',
	});
	return {
		url: `${place.issuer}/auth?${query}`,
		redeem: ({ leftFor, status, body }) => {
			const code = leftFor === undefined ? null : new URL(leftFor).searchParams.get('code');
			if (code === null) throw new Error(`no code (${status}): ${leftFor ?? body.slice(0, 300)}`);
			return () =>
				askForToken(place, {
					grant_type: 'authorization_code',
					code,
					code_verifier: verifier,
					redirect_uri: REDIRECT_URI,
					client_id: 'sigstore',
				});
		},
	};
}

async function askForToken(place: SignInPlace, form: Record<string, string>) {
	await place.beforeRequest();
	const response = await fetch(`${place.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
	const text = await response.text();
	return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, string> };
}

function addressIn({ body, status, url }: Page, pattern: RegExp): string {
	const found = pattern.exec(body)?.[1];
	if (found === undefined) throw new Error(`the page ${url} (${status}) has no ${pattern}: ${body.slice(0, 500)}`);
	return new URL(found.replaceAll('&amp;', '&'), url).href;
}
