import { createHmac } from 'node:crypto';
import { assembleToken, generateSigningKey, startTokenIssuer, type TokenIssuer } from '@chancery/testkit/token-issuer';
import { exportJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateClientKey, keyRequest } from '../../test/client-key.ts';
import { startInstance, type TestInstance, workflowClaims } from '../../test/instance.ts';
import { expectRefusal } from '../../test/refusal.ts';

const EMAIL = 'ada@example.com';
const PERSON = { email: EMAIL, email_verified: true };

let ca: TestInstance;
/** An issuer of the configuration that nobody reaches. */
let away: TokenIssuer;
beforeAll(async () => {
	away = await startTokenIssuer(() => ca.nowMs);
	await away.close();
	ca = await startInstance({ moreIssuers: [{ type: 'email', issuer: away.url }] });
});
afterAll(() => ca.close());

const key = generateClientKey();
const post = (token: string) =>
	ca.publicApp.inject({ method: 'POST', url: '/api/v2/signingCert', payload: keyRequest(key, EMAIL, token) });

/** A good token but for times, in seconds from now. */
const mintAt = (offsets: Record<string, number>) => {
	const now = Math.floor(ca.nowMs / 1000);
	const claims = Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, now + offset]));
	return ca.people.mint({ ...PERSON, ...claims });
};

describe('a token is refused', () => {
	it.each<{ name: string; token: () => Promise<string> | string; reason: string }>([
		{ name: 'no token', token: () => '', reason: 'token-missing' },
		{ name: 'a token of two parts', token: () => 'a.b', reason: 'token-malformed' },
		{ name: 'a token of five parts', token: () => 'a.b.c.d.e', reason: 'token-malformed' },
		{ name: 'a token made of dots', token: () => '.'.repeat(16_000), reason: 'token-malformed' },
		{ name: 'a token that is too long', token: () => 'a'.repeat(16_385), reason: 'token-too-large' },
		{ name: 'a payload that is not JSON', token: () => 'eyJhbGciOiJFUzI1NiJ9.AAAA.AAAA', reason: 'token-malformed' },
		{ name: 'a payload without issuer', token: () => assembleToken({ alg: 'ES256' }, {}), reason: 'token-malformed' },
		{
			name: 'a header without alg',
			token: () => assembleToken({}, { iss: ca.people.url }),
			reason: 'token-malformed',
		},
		{
			name: 'an unknown issuer',
			token: () => assembleToken({ alg: 'ES256' }, { iss: 'https://elsewhere.example' }),
			reason: 'issuer-unknown',
		},
		{
			name: 'an issuer that differs by a slash',
			token: () => ca.people.mint({ ...PERSON, iss: `${ca.people.url}/` }),
			reason: 'issuer-unknown',
		},
		{
			name: 'alg none',
			token: () => assembleToken({ alg: 'none' }, { iss: ca.people.url, ...PERSON }),
			reason: 'token-algorithm',
		},
		{
			name: 'an HMAC keyed with the public key',
			token: async () => {
				const unsigned = assembleToken({ alg: 'HS256', kid: 'first' }, { iss: ca.people.url, ...PERSON });
				const mac = createHmac('sha256', JSON.stringify(ca.people.key.jwk)).update(unsigned.slice(0, -1));
				return unsigned + mac.digest('base64url');
			},
			reason: 'token-algorithm',
		},
		{
			name: 'an algorithm that the issuer does not announce',
			token: async () => ca.people.mint(PERSON, { key: await generateSigningKey('ES384', 'first') }),
			reason: 'token-algorithm',
		},
		{
			name: 'a key that brings itself',
			token: async () => {
				const own = await generateSigningKey('ES256', 'first');
				return ca.people.mint(PERSON, { key: own, header: { jwk: await exportJWK(own.privateKey) } });
			},
			reason: 'token-signature',
		},
		{
			name: 'a key of another issuer',
			token: () => ca.people.mint(PERSON, { key: ca.workflows.key }),
			reason: 'token-signature',
		},
		{
			name: 'an extension that must be understood',
			token: () => assembleToken({ alg: 'ES256', crit: ['b64'], b64: false }, { iss: ca.people.url }),
			reason: 'token-malformed',
		},
		{
			name: 'claims that were changed afterwards',
			token: async () => {
				const [header, payload, signature] = (await ca.people.mint(PERSON)).split('.') as [string, string, string];
				const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
				claims.email = 'eve@example.com';
				return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
			},
			reason: 'token-signature',
		},
		{ name: 'an expired token', token: () => mintAt({ exp: -5 }), reason: 'token-expired' },
		{
			name: 'a token without expiry',
			token: () => ca.people.mint({ ...PERSON, exp: undefined }),
			reason: 'claim-missing',
		},
		{
			name: 'an expiry that is text',
			token: () => ca.people.mint({ ...PERSON, exp: 'never' as never }),
			reason: 'claim-malformed',
		},
		{ name: 'a token of tomorrow', token: () => mintAt({ nbf: 61 }), reason: 'token-not-yet-valid' },
		{ name: 'a token issued tomorrow', token: () => mintAt({ iat: 61 }), reason: 'token-not-yet-valid' },
		{ name: 'another audience', token: () => ca.people.mint({ ...PERSON, aud: 'other' }), reason: 'token-audience' },
		{
			name: 'a longer audience',
			token: () => ca.people.mint({ ...PERSON, aud: ['sigstore2'] }),
			reason: 'token-audience',
		},
		{ name: 'no audience', token: () => ca.people.mint({ ...PERSON, aud: undefined }), reason: 'claim-missing' },
		{ name: 'no subject', token: () => ca.people.mint({ ...PERSON, sub: undefined }), reason: 'claim-missing' },
		{ name: 'no e-mail address', token: () => ca.people.mint({ email_verified: true }), reason: 'claim-missing' },
		{
			name: 'an unverified address',
			token: () => ca.people.mint({ ...PERSON, email_verified: false }),
			reason: 'email-not-verified',
		},
		{
			name: 'an address that nobody speaks of',
			token: () => ca.people.mint({ email: EMAIL }),
			reason: 'email-not-verified',
		},
		{
			name: 'email_verified of another type',
			token: () => ca.people.mint({ ...PERSON, email_verified: 1 }),
			reason: 'claim-malformed',
		},
		{
			name: 'an address with two at signs',
			token: () => ca.people.mint({ ...PERSON, email: 'a@b@example.com' }),
			reason: 'claim-malformed',
		},
		{
			name: 'an address beyond ASCII',
			token: () => ca.people.mint({ ...PERSON, email: 'zo\u00eb@example.com' }),
			reason: 'claim-malformed',
		},
		{
			name: 'an address with a NUL',
			token: () => ca.people.mint({ ...PERSON, email: 'a\u0000@example.com' }),
			reason: 'claim-malformed',
		},
		{
			name: 'a subject with a NUL',
			token: () => ca.people.mint({ ...PERSON, sub: 'a\u0000b' }),
			reason: 'claim-malformed',
		},
		{
			name: 'a workflow without repository',
			token: () => ca.workflows.mint({ ...workflowClaims(), repository: undefined }),
			reason: 'claim-missing',
		},
		{
			name: 'a workflow with an empty commit',
			token: () => ca.workflows.mint({ ...workflowClaims(), sha: '' }),
			reason: 'claim-missing',
		},
		{
			name: 'a workflow whose reference is no URI',
			token: () => ca.workflows.mint({ ...workflowClaims(), job_workflow_ref: 'a%zz' }),
			reason: 'claim-malformed',
		},
	])('$name', async ({ token, reason }) => {
		const response = await post(await token());
		expectRefusal(response, {
			status: 400,
			code: 3,
			sentence: 'There was an error processing the identity token',
			reason,
		});
	});

	it.each<{ name: string; header?: object; claims?: object; says: string }>([
		{ name: 'a kid that is a number', header: { kid: 7 }, says: "its header's 'kid' is no text but a number" },
		{ name: 'a kid that is null', header: { kid: null }, says: "its header's 'kid' is no text but null" },
		{
			name: 'an alg that is a list',
			header: { alg: ['ES256'] },
			says: "its header's 'alg' is no text but a list",
		},
		{ name: 'no alg', header: { alg: undefined }, says: "its header names no 'alg'" },
		{
			name: 'a list of issuers',
			claims: { iss: ['https://a.example'] },
			says: "its 'iss' is no text but a list",
		},
		{ name: 'an issuer that is an object', claims: { iss: {} }, says: "its 'iss' is no text but an object" },
		{ name: 'an issuer that is true', claims: { iss: true }, says: "its 'iss' is no text but true or false" },
		{ name: 'no issuer', claims: { iss: undefined }, says: "it has no 'iss'" },
	])('as what it is: $name', async ({ header, claims, says }) => {
		const token = assembleToken({ alg: 'ES256', kid: 'first', ...header }, { iss: ca.people.url, ...claims }, 'AAAA');
		const response = await post(token);
		expect(response.json()).toMatchObject({
			message: `There was an error processing the identity token: ${says}`,
			details: [{ reason: 'token-malformed' }],
		});
	});

	it.each([
		{ claims: { exp: 'never' }, says: "the claim 'exp' is text, expected a number" },
		{ claims: { aud: 7 }, says: "the claim 'aud' is a number, expected text or a list of texts" },
		{ claims: { sub: ['a'] }, says: "the claim 'sub' is a list, expected text" },
		{ claims: { sub: '' }, says: "the claim 'sub' is empty text, expected text" },
	])('and its claims too: $says', async ({ claims, says }) => {
		const response = await post(await ca.people.mint({ ...PERSON, ...claims }));
		expect(response.json()).toMatchObject({
			message: `There was an error processing the identity token: ${says}`,
			details: [{ reason: 'claim-malformed' }],
		});
	});

	it('as one that is good perhaps, when its issuer cannot be asked', async () => {
		const response = await post(await away.mint(PERSON));
		expectRefusal(response, {
			status: 503,
			code: 14,
			sentence: 'There was an error processing the identity token',
			reason: 'issuer-unavailable',
		});
		expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
	});

	it('and asked to come back, when its issuer may have changed its keys a moment ago', async () => {
		expect((await post(await ca.people.mint(PERSON))).statusCode).toBe(200);
		const next = await generateSigningKey('ES256', 'second');
		const response = await post(await ca.people.mint(PERSON, { key: next }));
		expectRefusal(response, {
			status: 429,
			code: 8,
			sentence: 'There was an error processing the identity token',
			reason: 'token-key-unknown',
		});
		expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
		const asked = ca.people.requests.length;
		for (let i = 0; i < 20; i++)
			await post(assembleToken({ alg: 'ES256', kid: `k${i}` }, { iss: ca.people.url }, 'AAAA'));
		expect(ca.people.requests).toHaveLength(asked);
	});

	it('but not within the leeway of clocks', async () => {
		const response = await post(await mintAt({ exp: -4, nbf: 60, iat: 60 }));
		expect(response.statusCode, response.body).toBe(200);
	});
});

describe('claim rules', () => {
	let strict: TestInstance;
	beforeAll(async () => {
		strict = await startInstance({ rules: [{ claim: 'email', anyOf: ['*@example.com'] }] });
	});
	afterAll(() => strict.close());

	it.each([
		{ email: 'ada@example.com', status: 200 },
		{ email: 'ada@example.com.evil.example', status: 403 },
		{ email: 'ada@sub.example.com', status: 403 },
	])('answer $status to $email', async ({ email, status }) => {
		const token = await strict.people.mint({ email, email_verified: true });
		const response = await strict.publicApp.inject({
			method: 'POST',
			url: '/api/v2/signingCert',
			payload: keyRequest(key, email, token),
		});
		expect(response.statusCode).toBe(status);
		if (status === 403)
			expect(response.json()).toMatchObject({ code: 7, details: [{ reason: 'identity-not-allowed' }] });
	});
});
