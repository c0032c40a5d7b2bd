/** Every login of our client at an identity provider of ours, as a person and a browser make it. */
import { readIdentityToken } from '@chancery/client/identity-token';
import { logInWithBrowser } from '@chancery/client/tokens/browser-login';
import { logInWithCopiedCode } from '@chancery/client/tokens/copied-code-login';
import { logInWithDevice } from '@chancery/client/tokens/device-login';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signIn, startIssuer, type TestIssuer } from '../../test/login-issuer.ts';

let at: TestIssuer;
beforeAll(async () => {
	at = await startIssuer();
});
afterAll(() => at.stop());

const EMAIL = 'alice@example.com';
const deps = { fetch, clock: Date.now };
const client = () => ({ issuer: at.issuer, clientId: 'sigstore' });
const expectAlice = (token: string) =>
	expect(readIdentityToken(token)).toMatchObject({ issuer: at.issuer, subject: EMAIL });

describe('a login in the browser', () => {
	it('ends in a token of whoever signed in', async () => {
		let lastPage = Promise.resolve('');
		const token = await logInWithBrowser(client(), {
			...deps,
			show: (url) => {
				expect(new URL(url).searchParams.get('code_challenge_method')).toBe('S256');
				lastPage = signIn(url, EMAIL);
			},
		});
		expectAlice(token);
		expect(await lastPage).toContain('Go back to the program.');
	});

	it('is not ended by what others send to its port', async () => {
		const token = await logInWithBrowser(client(), {
			...deps,
			show: async (url) => {
				const redirect = new URL(url).searchParams.get('redirect_uri') ?? '';
				const junk = ['?code=x', '?state=x&code=y', '?error=access_denied', '', '?state='];
				const statuses = await Promise.all(junk.map(async (query) => (await fetch(redirect + query)).status));
				expect(statuses).toEqual(junk.map(() => 400));
				expect((await fetch(new URL('/other', redirect))).status).toBe(404);
				void signIn(url, EMAIL);
			},
		});
		expectAlice(token);
	});

	it('says that the person cancelled', async () => {
		const cancelled = logInWithBrowser(client(), {
			...deps,
			show: async (url) => {
				const { searchParams } = new URL(url);
				const state = encodeURIComponent(searchParams.get('state') ?? '');
				const issuer = encodeURIComponent(at.issuer);
				const page = await fetch(
					`${searchParams.get('redirect_uri')}?state=${state}&error=access_denied&error_description=the+person%1b[31m+cancelled&iss=${issuer}`,
				);
				expect(await page.text()).toContain('You are not signed in.');
			},
		});
		await expect(cancelled).rejects.toMatchObject({
			code: 'login-refused',
			message: expect.stringMatching(/refused: access_denied: the person \[31m cancelled$/),
		});
	});
});

it('a login with a copied code ends in a token', async () => {
	const token = await logInWithCopiedCode(client(), {
		...deps,
		ask: async (url) => ` ${/id="code">([^<]+)</.exec(await signIn(url, EMAIL))?.[1]}\n`,
	});
	expectAlice(token);
});

it('a wrong code is refused in the words of the provider', async () => {
	const login = logInWithCopiedCode(client(), { ...deps, ask: async () => 'surprise' });
	await expect(login).rejects.toMatchObject({
		code: 'login-refused',
		message: expect.stringContaining('invalid_grant'),
	});
});

it('a login on another device ends in a token, and shows the code and where to type it', async () => {
	const token = await logInWithDevice(client(), {
		...deps,
		show: ({ userCode, url, completeUrl }) => {
			expect(url).toBe(`${at.issuer}/device`);
			expect(completeUrl).toBe(`${at.issuer}/device?user_code=${userCode}`);
			void signIn(completeUrl ?? '', EMAIL);
		},
	});
	expectAlice(token);
}, 30_000);

describe('an issuer', () => {
	it.each([
		['that calls itself otherwise', () => ({ issuer: `${at.issuer}/`, clientId: 'sigstore' })],
		['that is not there', () => ({ issuer: 'http://localhost:1/auth', clientId: 'sigstore' })],
		['without a discovery document', () => ({ issuer: at.publicUrl, clientId: 'sigstore' })],
		['that is no address', () => ({ issuer: 'ftp://x', clientId: 'sigstore' })],
	])('%s is refused before anybody signs in', async (_what, who) => {
		const login = logInWithBrowser(who(), { ...deps, show: () => expect.unreachable() });
		await expect(login).rejects.toMatchObject({ code: 'issuer-unavailable' });
	});
});
