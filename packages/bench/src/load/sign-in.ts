/** The part of a person in an authorization code flow with PKCE (RFC 7636): a browser that signs in and brings the code. */
import { createHash, randomBytes } from 'node:crypto';
import type { IdentityTarget } from './messages.ts';

export interface SignedIn {
	readonly code: string;
	readonly verifier: string;
}

/** Where codes are sent. Nothing listens there: the browser stops at this address. */
export const REDIRECT_URI = 'http://localhost:50505/auth/callback';

const MAX_STEPS = 10;

/** Signs in; `email` goes into the form of a server that asks for an address. @throws {Error} with the page that is in the way */
export async function signIn({ host, port, clientId, login }: IdentityTarget, email: string): Promise<SignedIn> {
	const verifier = randomBytes(32).toString('base64url');
	const origin = `http://${host}:${port}`;
	const first = new URL(login.path, origin);
	const parameters = {
		response_type: 'code',
		client_id: clientId,
		scope: login.scope,
		redirect_uri: REDIRECT_URI,
		state: randomBytes(16).toString('base64url'),
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
		code_challenge_method: 'S256',
	};
	for (const [name, value] of Object.entries(parameters)) first.searchParams.set(name, value);

	const cookies = new Map<string, string>();
	let url = first.href;
	let form: URLSearchParams | undefined;
	for (let step = 0; step < MAX_STEPS; step++) {
		const response: Response = await fetch(url, {
			redirect: 'manual',
			headers: { cookie: [...cookies].map((pair) => pair.join('=')).join('; '), ...(form && { origin }) },
			...(form && { method: 'POST', body: form }),
		});
		const page = await response.text();
		// One sign-in is one path of pages, so the paths of cookies do not matter.
		for (const line of response.headers.getSetCookie()) {
			const [name = '', value = ''] = line.split(';', 1)[0]?.split('=', 2) ?? [];
			cookies.set(name, value);
		}
		const location = response.headers.get('location');
		const action = /<form method="post" action="([^"]+)"/.exec(page)?.[1];
		if (location?.startsWith(REDIRECT_URI)) {
			const code = new URL(location).searchParams.get('code');
			if (code === null) throw new Error(`the sign-in ended without a code: ${location}`);
			return { code, verifier };
		}
		if (location !== null) {
			url = new URL(location, url).href;
			form = undefined;
		} else if (response.status === 200 && action !== undefined) {
			url = new URL(action, url).href;
			form = new URLSearchParams({ email });
		} else throw new Error(`the sign-in stopped at ${url}: ${response.status} ${page.slice(0, 300)}`);
	}
	throw new Error(`the sign-in takes more than ${MAX_STEPS} steps`);
}
