import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startTokenIssuer, type TokenIssuer } from '../../test/token-issuer.ts';
import { exchangeToken, requestWithSecret } from './machine-grants.ts';

let issuer: TokenIssuer;
let elsewhere: TokenIssuer;
beforeAll(async () => {
	[issuer, elsewhere] = await Promise.all([startTokenIssuer(), startTokenIssuer()]);
});
afterAll(() => Promise.all([issuer.close(), elsewhere.close()]));
beforeEach(() => {
	issuer.forms.length = 0;
});

const deps = { fetch, clock: Date.now };
const client = () => ({ issuer: issuer.url, clientId: 'sigstore' });
const exchange = () => exchangeToken(client(), { subjectToken: 'a.b.c', audience: 'sigstore' }, deps);
const answerWith = (token: string | Promise<string>, more: object = {}) => {
	issuer.answer = async () => ({
		body: { access_token: await token, token_type: 'bearer', expires_in: 60, ...more },
	});
};

describe('a token exchange', () => {
	it('asks as RFC 8693 says, as a public client, and returns what it got', async () => {
		const token = await issuer.sign();
		answerWith(token, { issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' });
		const request = { subjectToken: 'a.b.c', audience: 'sigstore', connectorId: 'https://gitlab.example.com' };
		expect(await exchangeToken(client(), request, deps)).toBe(token);
		expect(issuer.forms).toEqual([
			{
				grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
				subject_token: 'a.b.c',
				subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
				requested_token_type: 'urn:ietf:params:oauth:token-type:id_token',
				audience: 'sigstore',
				scope: 'openid email',
				connector_id: 'https://gitlab.example.com',
				client_id: 'sigstore',
				authorization: '',
			},
		]);
	});

	it('takes a token of another issuer below the origin of the one that was asked', async () => {
		const token = await issuer.sign({ iss: `${new URL(issuer.url).origin}/machines/gitlab` });
		answerWith(token);
		expect(await exchange()).toBe(token);
	});

	it.each<[string, () => Promise<string>]>([
		['of another issuer', () => elsewhere.sign()],
		['in the name of another issuer', () => issuer.sign({ iss: elsewhere.url })],
		['that a stranger signed', () => issuer.sign({}, { stranger: true })],
		['of an unknown key', () => issuer.sign({}, { kid: 'other' })],
		['for somebody else', () => issuer.sign({ aud: 'other' })],
		['that has expired', () => issuer.sign({ exp: Math.floor(Date.now() / 1000) - 120 })],
		['that never expires', () => issuer.sign({ exp: undefined })],
		['without a subject', () => issuer.sign({ sub: undefined })],
		['without an issuer', () => issuer.sign({ iss: undefined })],
		['that is none', async () => 'opaque'],
		[
			'without a signature',
			async () => {
				const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
				const now = Math.floor(Date.now() / 1000);
				const claims = { iss: issuer.url, sub: 'x', aud: 'sigstore', iat: now, exp: now + 60 };
				return `${part({ alg: 'none' })}.${part(claims)}.`;
			},
		],
	])('does not return a token %s', async (_what, token) => {
		answerWith(token());
		await expect(exchange()).rejects.toMatchObject({ code: 'token-unverified' });
	});

	it('tells the words of the issuer, and nothing of the token', async () => {
		issuer.answer = async () => ({
			status: 400,
			body: { error: 'invalid_request', error_description: 'the subject token\u001b[31m has\n expired' },
		});
		const error = await exchange().catch((caught: Error) => caught);
		expect(error).toMatchObject({
			code: 'token-refused',
			message: `the issuer ${issuer.url} refused: invalid_request: the subject token [31m has expired`,
		});
		expect(String(error)).not.toContain('a.b.c');
	});

	it.each<[string, TokenIssuer['answer']]>([
		['is no JSON', async () => ({ body: '<html>' })],
		['has no token', async () => ({ body: { token_type: 'bearer' } })],
		['is too long', async () => ({ body: { access_token: 'x'.repeat(2_000_000), token_type: 'bearer' } })],
		['is a fault', async () => ({ status: 500, body: 'oops' })],
	])('says that an answer cannot be used that %s', async (_what, answer) => {
		issuer.answer = answer;
		await expect(exchange()).rejects.toMatchObject({ code: 'issuer-unavailable' });
	});
});

describe('client credentials', () => {
	const ask = () => requestWithSecret({ ...client(), clientId: 'backup', clientSecret: 'p:w +' }, deps);

	it('are sent as RFC 6749 encodes them, and give the ID token', async () => {
		const accessToken = 'opaque';
		const atHash = createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url');
		const token = await issuer.sign({ aud: ['backup', 'sigstore'], azp: 'backup', at_hash: atHash });
		answerWith(accessToken, { id_token: token });
		expect(await ask()).toBe(token);
		const [{ authorization = '', ...form } = {}] = issuer.forms;
		expect(Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()).toBe('backup:p%3Aw+%2B');
		expect(form).toEqual({ grant_type: 'client_credentials', scope: 'openid email' });
	});

	it('give the access token where there is no other', async () => {
		const token = await issuer.sign({ aud: 'backup' });
		answerWith(token);
		expect(await ask()).toBe(token);
	});

	it.each<[string, string, RegExp]>([
		[
			'in words',
			'Basic realm="x", error="invalid_client", error_description="client authentication failed"',
			/invalid_client: client/,
		],
		['without words', 'Basic realm="x"', /refused: status 401/],
	])('are refused %s', async (_how, challenge, words) => {
		issuer.answer = async () => ({
			status: 401,
			headers: { 'www-authenticate': challenge },
			body: { error: 'invalid_client' },
		});
		await expect(ask()).rejects.toMatchObject({ code: 'token-refused', message: expect.stringMatching(words) });
	});

	it('do not give an ID token of another access token', async () => {
		answerWith('opaque', { id_token: await issuer.sign({ aud: ['backup'], at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }) });
		await expect(ask()).rejects.toMatchObject({ code: 'token-unverified' });
	});
});
