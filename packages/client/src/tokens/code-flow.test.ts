import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTokenIssuer, type TokenIssuer } from '../../test/token-issuer.ts';
import { beginCodeFlow } from './code-flow.ts';

const JSON_TYPE = { headers: { 'content-type': 'application/json' } };
const REDIRECT = 'http://localhost:1/auth/callback';

let issuer: TokenIssuer;
beforeAll(async () => {
	issuer = await startTokenIssuer();
});
afterAll(() => issuer.close());

const deps = { fetch, clock: Date.now };
const begin = () => beginCodeFlow({ issuer: issuer.url, clientId: 'sigstore' }, REDIRECT, deps);

/** Ends a login with the token that `sign` makes of its nonce. */
async function login(sign: (nonce: string) => Promise<string>, answered: Record<string, string> = {}): Promise<string> {
	const { url, state, finish } = await begin();
	const nonce = new URL(url).searchParams.get('nonce') ?? '';
	issuer.answer = async () => ({
		body: { access_token: 'opaque', token_type: 'bearer', id_token: await sign(nonce) },
	});
	return finish(new URL(`${REDIRECT}?${new URLSearchParams({ code: 'the-code', state, ...answered })}`));
}

describe('a login with a code', () => {
	it('has values of its own each time', async () => {
		const [one, other] = (await Promise.all([begin(), begin()])).map(({ url }) => new URL(url).searchParams);
		for (const name of ['state', 'nonce', 'code_challenge']) {
			expect(one?.get(name)).toMatch(/^[\w-]{43}$/);
			expect(one?.get(name)).not.toBe(other?.get(name));
		}
	});

	it.each([
		['in the clear', 'http://id.example.com/keys'],
		['in a file', 'file:///etc/passwd'],
		['nowhere', { a: 1 }],
	])('does not begin at an issuer with TLS whose keys are %s', async (_where, jwksUri) => {
		const https = 'https://id.example.com';
		const document = { issuer: https, authorization_endpoint: `${https}/auth`, token_endpoint: `${https}/token` };
		const answer = async () => new Response(JSON.stringify({ ...document, jwks_uri: jwksUri }), JSON_TYPE);
		const client = { issuer: https, clientId: 'sigstore' };
		const login = beginCodeFlow(client, REDIRECT, { fetch: answer, clock: Date.now });
		await expect(login).rejects.toMatchObject({
			code: 'issuer-unavailable',
			message: expect.stringMatching(/jwks_uri/),
		});
	});

	it('redeems the code with its verifier, and returns the token with its nonce', async () => {
		issuer.forms.length = 0;
		expect(await login((nonce) => issuer.sign({ nonce }))).toMatch(/^ey/);
		expect(issuer.forms).toEqual([
			{
				grant_type: 'authorization_code',
				code: 'the-code',
				redirect_uri: REDIRECT,
				code_verifier: expect.stringMatching(/^[\w-]{43}$/),
				client_id: 'sigstore',
				authorization: '',
			},
		]);
	});

	it.each<[string, (nonce: string) => Promise<string>]>([
		['of another login', () => issuer.sign({ nonce: 'other' })],
		['of no login', () => issuer.sign()],
		['that a stranger signed', (nonce) => issuer.sign({ nonce }, { stranger: true })],
		['for another client', (nonce) => issuer.sign({ nonce, aud: 'other' })],
		['of another access token', (nonce) => issuer.sign({ nonce, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' })],
	])('does not return a token %s', async (_what, sign) => {
		await expect(login(sign)).rejects.toMatchObject({ name: 'ClientError' });
	});

	it('does not redeem the answer to another login', async () => {
		issuer.forms.length = 0;
		await expect(login((nonce) => issuer.sign({ nonce }), { state: 'other' })).rejects.toThrow();
		expect(issuer.forms).toEqual([]);
	});
});
