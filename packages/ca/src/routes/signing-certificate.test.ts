import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificationRequest, clientKey, generateClientKey, keyRequest } from '../../test/client-key.ts';
import { startInstance, type TestInstance, workflowClaims } from '../../test/instance.ts';
import { expectRefusal } from '../../test/refusal.ts';

const EMAIL = 'ada@example.com';
const PERSON = { email: EMAIL, email_verified: true };
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
			expectRefusal(await post(body), refusal(sentence, reason));
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
				expectRefusal(await post(body), refusal('The public key supplied in the request is insecure', 'key-insecure'));
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
			expectRefusal(await post(body), refusal(PROOF_SENTENCE, 'proof-invalid'));
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
			expectRefusal(response, refusal(sentence, reason));
		});

		it.each<{ name: string; body: string; reason: string }>([
			{ name: 'broken JSON', body: '{"credentials":', reason: 'invalid-json' },
			{ name: 'a body that is an array', body: '[]', reason: 'invalid-request' },
			{ name: 'a body that is text', body: '"token"', reason: 'invalid-request' },
			{ name: 'a token that is a number', body: '{"credentials":{"oidcIdentityToken":7}}', reason: 'invalid-request' },
			{ name: 'a request that is not base64', body: '{"certificateSigningRequest":"*"}', reason: 'invalid-request' },
			{ name: 'more members than a request has', body: `{"x":[${'{},'.repeat(40_000)}0]}`, reason: 'invalid-json' },
			{ name: 'JSON nested without end', body: '['.repeat(100_000), reason: 'invalid-json' },
			{ name: 'no body at all', body: '', reason: 'token-missing' },
		])('$name', async ({ body, reason }) => {
			const response = await post(body);
			expect(response.statusCode).toBe(400);
			expect(response.json()).toMatchObject({ code: 3, details: [{ reason }] });
		});

		it('a body of more than 128 KiB', async () => {
			const response = await post(`{"x":"${'a'.repeat(128 * 1024)}"}`);
			expectRefusal(response, refusal('http: request body too large', 'body-too-large'));
			expect(Object.keys(response.json())).toEqual(['code', 'message', 'details']);
		});
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
		for (const header of ['authorization', 'dpop'])
			expect(response.headers['access-control-allow-headers']).toContain(header);
	});
});
