import { generateKeyPairSync, sign } from 'node:crypto';
import { exportJWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificationRequest, clientKey, generateClientKey, keyRequest } from '../../test/client-key.ts';
import { startInstance, type TestInstance, workflowClaims } from '../../test/instance.ts';
import { assembleToken, generateSigningKey } from '../../test/token-issuer.ts';

const EMAIL = 'ada@example.com';
const PERSON = { email: EMAIL, email_verified: true };
const TOKEN_SENTENCE = 'There was an error processing the identity token';
const KEY_SENTENCE = 'The public key supplied in the request could not be parsed';
const CSR_SENTENCE = 'The certificate signing request could not be parsed';
const PROOF_SENTENCE = 'The signature supplied in the request could not be verified';

let ca: TestInstance;
beforeAll(async () => {
	ca = await startInstance();
});
afterAll(() => ca.close());

const key = generateClientKey();

function post(payload: unknown, headers: Record<string, string> = {}) {
	const body = typeof payload === 'string' || payload instanceof Buffer ? payload : JSON.stringify(payload);
	return ca.publicApp.inject({ method: 'POST', url: '/api/v2/signingCert', payload: body, headers });
}

async function expectRefusal(
	response: Awaited<ReturnType<typeof post>>,
	expected: { status: number; code: number; sentence: string; reason: string },
): Promise<void> {
	expect(response.headers['content-type']).toBe('application/json');
	const body = response.json();
	expect({ status: response.statusCode, code: body.code, reason: body.details[0].reason }).toEqual({
		status: expected.status,
		code: expected.code,
		reason: expected.reason,
	});
	expect(body.message.startsWith(expected.sentence)).toBe(true);
	expect(body.details[0]['@type']).toBe('type.googleapis.com/google.rpc.ErrorInfo');
	expect(response.headers['x-request-id']).toBe(body.details[0].metadata.requestId);
}

describe('POST /api/v2/signingCert', () => {
	const chainOf = (response: Awaited<ReturnType<typeof post>>): string[] => {
		expect(response.statusCode, response.body).toBe(200);
		expect(response.headers['content-type']).toBe('application/json');
		expect(Object.keys(response.json())).toEqual(['signedCertificateEmbeddedSct']);
		return response.json().signedCertificateEmbeddedSct.chain.certificates;
	};

	it('answers the certificate, its issuer and the root, without closing line feeds', async () => {
		const chain = chainOf(await post(keyRequest(key, EMAIL, await ca.people.mint(PERSON))));
		expect(chain).toHaveLength(3);
		for (const pem of chain)
			expect(pem).toMatch(/^-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----$/);
	});

	it.each<{ name: string; headers: (token: string) => Record<string, string> }>([
		{ name: 'Bearer', headers: (token) => ({ authorization: `Bearer ${token}` }) },
		{ name: 'no scheme', headers: (token) => ({ authorization: token }) },
		{
			name: 'another media type, and PEM wanted',
			headers: (token) => ({
				authorization: `Bearer ${token}`,
				'content-type': 'text/plain',
				accept: 'application/pem-certificate-chain',
			}),
		},
	])('takes the token from the header with $name', async ({ headers }) => {
		chainOf(await post(keyRequest(key, EMAIL), headers(await ca.people.mint(PERSON))));
	});

	it('prefers the token in the body', async () => {
		const token = await ca.people.mint(PERSON);
		chainOf(await post(keyRequest(key, EMAIL, token), { authorization: 'Bearer nonsense' }));
	});

	it('reads snake_case names, null for absent, unknown fields and base64 without padding', async () => {
		const proof = Buffer.from(key.prove(EMAIL), 'base64').toString('base64url');
		const body = {
			credentials: { oidc_identity_token: await ca.people.mint(PERSON), unknown: [1] },
			certificateSigningRequest: null,
			public_key_request: {
				public_key: { algorithm: 'NO_SUCH_ALGORITHM', content: key.pem },
				proof_of_possession: proof,
			},
			more: { deeply: { nested: true } },
		};
		chainOf(await post(body));
	});

	it('tolerates a base URL that ends in a slash', async () => {
		const payload = keyRequest(key, EMAIL, await ca.people.mint(PERSON));
		const response = await ca.publicApp.inject({ method: 'POST', url: '//api/v2/signingCert', payload });
		chainOf(response);
	});

	it('takes a key in PEM of one long line', async () => {
		const body = Buffer.from(key.spki).toString('base64');
		const request = keyRequest(key, EMAIL, await ca.people.mint(PERSON)) as {
			publicKeyRequest: { publicKey: { content: string } };
		};
		request.publicKeyRequest.publicKey.content = `-----BEGIN PUBLIC KEY-----\r\n${body}\r\n-----END PUBLIC KEY-----`;
		chainOf(await post(request));
	});

	it.each(['P-256', 'P-384', 'P-521', 'RSA-2048', 'RSA-3072', 'Ed25519'] as const)(
		'certifies a %s key',
		async (kind) => {
			chainOf(await post(keyRequest(generateClientKey(kind), EMAIL, await ca.people.mint(PERSON))));
		},
	);

	it.each([
		{ kind: 'P-256', extra: ['-subj', '/emailAddress=someone.else@example.com'] },
		{ kind: 'P-384', extra: ['-sha384'] },
		{ kind: 'P-521', extra: ['-sha512', '-addext', 'basicConstraints=critical,CA:FALSE'] },
		{ kind: 'RSA-2048', extra: ['-utf8', '-subj', '/CN=Zo\u00eb'] },
		{ kind: 'Ed25519', extra: [] },
	] as const)('certifies the key of a certification request, $kind $extra', async ({ kind, extra }) => {
		const csr = certificationRequest(generateClientKey(kind), extra);
		const body = { certificateSigningRequest: Buffer.from(csr).toString('base64') };
		chainOf(await post(body, { authorization: `Bearer ${await ca.people.mint(PERSON)}` }));
	});

	it.each(['subject-1', EMAIL])('accepts a proof over %s for a person', async (challenge) => {
		chainOf(await post(keyRequest(key, challenge, await ca.people.mint(PERSON))));
	});

	it('accepts a proof over the e-mail address for a workflow that has one', async () => {
		const token = await ca.workflows.mint({ ...workflowClaims(), email: EMAIL, email_verified: true });
		chainOf(await post(keyRequest(key, EMAIL, token)));
	});

	describe('refuses', () => {
		const refusal = (sentence: string, reason: string) => ({ status: 400, code: 3, sentence, reason });

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
					const { createHmac } = await import('node:crypto');
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
			const response = await post(keyRequest(key, EMAIL, await token()));
			await expectRefusal(response, refusal(TOKEN_SENTENCE, reason));
		});

		const mintAt = (offsets: Record<string, number>) => {
			const now = Math.floor(ca.nowMs / 1000);
			const claims = Object.fromEntries(Object.entries(offsets).map(([name, offset]) => [name, now + offset]));
			return ca.people.mint({ ...PERSON, ...claims });
		};

		it('nothing within the leeway of clocks', async () => {
			chainOf(await post(keyRequest(key, EMAIL, await mintAt({ exp: -4, nbf: 60, iat: 60 }))));
		});

		it.each<{ name: string; content: unknown; sentence: string; reason: string }>([
			{ name: 'no key', content: undefined, sentence: KEY_SENTENCE, reason: 'key-malformed' },
			{ name: 'an empty key', content: '', sentence: KEY_SENTENCE, reason: 'key-malformed' },
			{ name: 'a key that is text', content: 'hello', sentence: KEY_SENTENCE, reason: 'key-malformed' },
			{ name: 'half a surrogate pair', content: '\ud800', sentence: KEY_SENTENCE, reason: 'key-malformed' },
			{ name: 'two keys', content: key.pem + key.pem, sentence: KEY_SENTENCE, reason: 'key-malformed' },
			{
				name: 'a private key',
				content: key.privateKey.export({ type: 'pkcs8', format: 'pem' }),
				sentence: KEY_SENTENCE,
				reason: 'key-malformed',
			},
			{
				name: 'a curve that is not accepted',
				content: clientKey(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey).pem,
				sentence: KEY_SENTENCE,
				reason: 'key-malformed',
			},
			{
				name: 'DSA-like algorithms (X25519)',
				content: clientKey(generateKeyPairSync('x25519').privateKey, null).pem,
				sentence: KEY_SENTENCE,
				reason: 'key-malformed',
			},
			{
				name: 'a short RSA key',
				content: clientKey(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey).pem,
				sentence: 'The public key supplied in the request is insecure',
				reason: 'key-insecure',
			},
			{
				name: 'a small RSA exponent',
				content: clientKey(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 }).privateKey).pem,
				sentence: 'The public key supplied in the request is insecure',
				reason: 'key-insecure',
			},
		])('$name', async ({ content, sentence, reason }) => {
			const body = {
				credentials: { oidcIdentityToken: await ca.people.mint(PERSON) },
				publicKeyRequest: { publicKey: { content }, proofOfPossession: key.prove(EMAIL) },
			};
			await expectRefusal(await post(body), refusal(sentence, reason));
		});

		it('the key of the authority and the key of its log', async () => {
			for (const signer of [ca.issuingSigner, ca.rootSigner, ca.ctLog.signer]) {
				const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(signer.publicKey).toString('base64')}\n-----END PUBLIC KEY-----\n`;
				const body = {
					credentials: { oidcIdentityToken: await ca.people.mint(PERSON) },
					publicKeyRequest: {
						publicKey: { content: pem },
						proofOfPossession: Buffer.from(await signer.sign(Buffer.from(EMAIL))).toString('base64'),
					},
				};
				await expectRefusal(
					await post(body),
					refusal('The public key supplied in the request is insecure', 'key-insecure'),
				);
			}
		});

		it.each<{ name: string; proof: () => string | undefined }>([
			{ name: 'no proof', proof: () => undefined },
			{ name: 'an empty proof', proof: () => '' },
			{ name: 'a proof over another text', proof: () => key.prove('eve@example.com') },
			{ name: 'a proof of another key', proof: () => generateClientKey().prove(EMAIL) },
			{
				name: 'a proof with another hash',
				proof: () => sign('sha512', Buffer.from(EMAIL), key.privateKey).toString('base64'),
			},
			{
				name: 'a proof in the other encoding of ECDSA',
				proof: () =>
					sign('sha256', Buffer.from(EMAIL), { key: key.privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64'),
			},
		])('$name', async ({ proof }) => {
			const body = {
				credentials: { oidcIdentityToken: await ca.people.mint(PERSON) },
				publicKeyRequest: { publicKey: { content: key.pem }, proofOfPossession: proof() },
			};
			await expectRefusal(await post(body), refusal(PROOF_SENTENCE, 'proof-invalid'));
		});

		it.each<{ name: string; csr: () => string; sentence: string; reason: string }>([
			{ name: 'a request that is not PEM', csr: () => 'hello', sentence: CSR_SENTENCE, reason: 'csr-malformed' },
			{ name: 'a request that is a key', csr: () => key.pem, sentence: CSR_SENTENCE, reason: 'csr-malformed' },
			{
				name: 'a request that was changed',
				csr: () => {
					const der = Buffer.from(certificationRequest(key).replace(/-----[^-]+-----|\n/g, ''), 'base64');
					der[der.length - 1]! ^= 1;
					return `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
				},
				sentence: PROOF_SENTENCE,
				reason: 'proof-invalid',
			},
			{
				name: 'a request signed with SHA-1',
				csr: () => certificationRequest(key, ['-sha1']),
				sentence: 'unrecognized signature algorithm',
				reason: 'csr-algorithm-unknown',
			},
			{
				name: 'a request signed with RSA-PSS',
				csr: () => certificationRequest(generateClientKey('RSA-2048'), ['-sigopt', 'rsa_padding_mode:pss']),
				sentence: 'unrecognized signature algorithm: RSAPSS',
				reason: 'csr-algorithm-unknown',
			},
			{
				name: 'a hash that does not belong to the key',
				csr: () => certificationRequest(key, ['-sha512']),
				sentence: 'signing algorithm not permitted: ec, SHA2_512',
				reason: 'algorithm-not-permitted',
			},
		])('$name', async ({ csr, sentence, reason }) => {
			const body = { certificateSigningRequest: Buffer.from(csr()).toString('base64') };
			const response = await post(body, { authorization: `Bearer ${await ca.people.mint(PERSON)}` });
			await expectRefusal(response, refusal(sentence, reason));
		});

		it.each<{ name: string; body: string; reason: string }>([
			{ name: 'broken JSON', body: '{"credentials":', reason: 'invalid-json' },
			{ name: 'a body that is an array', body: '[]', reason: 'invalid-request' },
			{ name: 'a body that is text', body: '"token"', reason: 'invalid-request' },
			{ name: 'a token that is a number', body: '{"credentials":{"oidcIdentityToken":7}}', reason: 'invalid-request' },
			{ name: 'a request that is not base64', body: '{"certificateSigningRequest":"*"}', reason: 'invalid-request' },
			{ name: 'JSON nested without end', body: '['.repeat(100_000), reason: 'invalid-json' },
			{ name: 'no body at all', body: '', reason: 'token-missing' },
		])('$name', async ({ body, reason }) => {
			const response = await post(body);
			expect(response.statusCode).toBe(400);
			expect(response.json()).toMatchObject({ code: 3, details: [{ reason }] });
		});

		it('a body of more than four mebibytes', async () => {
			const response = await post(`{"x":"${'a'.repeat(4 * 1024 * 1024)}"}`);
			await expectRefusal(response, refusal('http: request body too large', 'body-too-large'));
		});
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

describe('paths and methods', () => {
	it.each([
		{ method: 'GET', url: '/api/v2/signingCert', status: 501, code: 12, message: 'Method Not Allowed' },
		{ method: 'POST', url: '/api/v2/trustBundle', status: 501, code: 12, message: 'Method Not Allowed' },
		{ method: 'GET', url: '/', status: 404, code: 5, message: 'Not Found' },
		{ method: 'GET', url: '/api/v3/signingCert', status: 404, code: 5, message: 'Not Found' },
	] as const)('$method $url is $status', async ({ method, url, status, code, message }) => {
		const response = await ca.publicApp.inject({ method, url });
		expect(response.statusCode).toBe(status);
		expect(response.json()).toMatchObject({ code, message });
	});

	it('lets pages of any origin send a token and read the answer', async () => {
		const response = await ca.publicApp.inject({
			method: 'OPTIONS',
			url: '/api/v2/signingCert',
			headers: { origin: 'https://page.example', 'access-control-request-method': 'POST' },
		});
		expect(response.headers['access-control-allow-origin']).toBe('*');
		expect(response.headers['access-control-allow-headers']).toContain('authorization');
	});
});
