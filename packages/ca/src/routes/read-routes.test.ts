import { X509Certificate } from 'node:crypto';
import { openTrustReport } from '@chancery/chassis/trust-report';
import { toBase64, toHex } from '@chancery/core/bytes';
import { encodePem } from '@chancery/core/pem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateClientKey } from '../../test/client-key.ts';
import { ADMIN_TOKEN, startInstance, type TestInstance, workflowClaims } from '../../test/instance.ts';

let ca: TestInstance;
beforeAll(async () => {
	ca = await startInstance();
});
afterAll(() => ca.close());

const get = (url: string) => ca.publicApp.inject({ method: 'GET', url });

describe('what anyone may read', () => {
	it('the trust bundle: the issuing certificate, then the root, each with its line feed', async () => {
		const response = await get('/api/v2/trustBundle');
		expect(response.statusCode).toBe(200);
		expect(response.headers['content-type']).toBe('application/json');
		const certificates = [ca.chain.issuing, ca.chain.root].map((der) => encodePem('CERTIFICATE', der));
		expect(response.json()).toEqual({ chains: [{ certificates }] });
	});

	it('the same chain in the first version: PEM of its own media type', async () => {
		const response = await get('/api/v1/rootCert');
		expect(response.statusCode).toBe(200);
		expect(response.headers['content-type']).toBe('application/pem-certificate-chain');
		expect(response.body).toBe([ca.chain.issuing, ca.chain.root].map((der) => encodePem('CERTIFICATE', der)).join(''));
	});

	it('the configuration: every field of every issuer, ordered by URL', async () => {
		const response = await get('/api/v2/configuration');
		expect(response.statusCode).toBe(200);
		const field = { audience: 'sigstore', spiffeTrustDomain: '', subjectDomain: '', skipEmailVerification: false };
		const issuers = [
			{ ...field, issuerUrl: ca.people.url, challengeClaim: 'email', issuerType: 'email' },
			{ ...field, issuerUrl: ca.workflows.url, challengeClaim: 'sub', issuerType: 'ci-provider' },
		].sort((a, b) => (a.issuerUrl < b.issuerUrl ? -1 : 1));
		expect(response.json()).toEqual({ issuers });
		expect(Object.keys(response.json().issuers[0])).toEqual([
			'issuerUrl',
			'audience',
			'challengeClaim',
			'spiffeTrustDomain',
			'issuerType',
			'subjectDomain',
			'skipEmailVerification',
		]);
	});

	it('that the process serves', async () => {
		expect((await get('/healthz')).json()).toEqual({ status: 'SERVING' });
	});
});

describe('POST /api/v1/signingCert', () => {
	const key = generateClientKey();
	const post = async (content: string, proof: string, headers: Record<string, string>) =>
		ca.publicApp.inject({
			method: 'POST',
			url: '/api/v1/signingCert',
			headers,
			payload: { publicKey: { content, algorithm: '' }, signedEmailAddress: proof, certificateSigningRequest: null },
		});
	const bearer = async () => ({
		authorization: `Bearer ${await ca.people.mint({ email: 'ada@example.com', email_verified: true })}`,
	});
	const pem = () => Buffer.from(key.pem).toString('base64');

	it.each([
		{ form: 'PEM', content: pem },
		{ form: 'DER', content: () => toBase64(key.spki) },
	])('answers 201 and the whole chain for a key in $form', async ({ content }) => {
		const response = await post(content(), key.prove('ada@example.com'), await bearer());
		expect(response.statusCode, response.body).toBe(201);
		expect(response.headers['content-type']).toBe('application/pem-certificate-chain');
		expect(response.headers.sct).toBeUndefined();
		expect(response.body).toBe(response.body.trim());
		const pems = response.body.split(/(?<=-----END CERTIFICATE-----)\n/);
		expect(pems).toHaveLength(3);
		const [leaf, issuing, root] = pems.map((text) => new X509Certificate(text));
		expect(leaf!.verify(issuing!.publicKey) && issuing!.verify(root!.publicKey)).toBe(true);
	});

	it.each(['Bearer ', 'bearer ', 'BEARER ', 'Bearer   ', ''])('reads the token after %j', async (scheme) => {
		const token = (await bearer()).authorization.slice(7);
		const response = await post(pem(), key.prove('ada@example.com'), { authorization: `${scheme}${token}` });
		expect(response.statusCode, response.body).toBe(201);
	});

	it.each(['Bearer', 'bearer '])('takes %j alone for no token', async (authorization) => {
		const response = await post(pem(), key.prove('ada@example.com'), { authorization });
		expect(response.json()).toMatchObject({ code: 3, details: [{ reason: 'token-missing' }] });
	});

	it('reads the token from the header only', async () => {
		const response = await ca.publicApp.inject({
			method: 'POST',
			url: '/api/v1/signingCert',
			payload: { credentials: { oidcIdentityToken: (await bearer()).authorization.slice(7) } },
		});
		expect(response.statusCode).toBe(400);
		expect(response.json()).toMatchObject({ code: 3, details: [{ reason: 'token-missing' }] });
	});

	it.each([
		{ name: 'no key', payload: {}, reason: 'key-malformed' },
		{ name: 'an empty key', payload: { publicKey: { content: '' } }, reason: 'key-malformed' },
		{ name: 'a key without proof', payload: { publicKey: { content: 'PEM' } }, reason: 'proof-invalid' },
	])('refuses $name with $reason', async ({ payload, reason }) => {
		const body = JSON.parse(JSON.stringify(payload).replace('PEM', pem()));
		const response = await ca.publicApp.inject({
			method: 'POST',
			url: '/api/v1/signingCert',
			headers: await bearer(),
			payload: body,
		});
		expect(response.statusCode).toBe(400);
		expect(response.json()).toMatchObject({ code: 3, details: [{ reason }] });
	});

	it('certifies a workflow that signed its subject', async () => {
		const claims = workflowClaims();
		const token = await ca.workflows.mint(claims);
		const response = await post(pem(), key.prove(String(claims.sub)), { authorization: `Bearer ${token}` });
		expect(response.statusCode).toBe(201);
	});
});

describe('the admin listener', () => {
	const admin = (url: string, token = ADMIN_TOKEN) =>
		ca.adminApp.inject({ method: 'GET', url, headers: { authorization: `Bearer ${token}` } });

	it('answers a report that only the holder of the issuing key can have made', async () => {
		const report = openTrustReport((await admin('/admin/v1/trust')).json());
		expect(report.service).toBe('ca');
		expect(toHex(report.publicKey)).toBe(toHex(ca.issuingSigner.publicKey));
		expect(report.material).toEqual({
			kind: 'certificate-authority',
			subject: { organization: 'Chancery tests', commonName: 'test authority' },
			uri: 'http://ca.localhost:7402',
			certChain: [ca.chain.issuing, ca.chain.root].map(toBase64),
			validForStart: '2026-07-31T12:00:00.000Z',
		});
	});

	it('answers nobody without a token', async () => {
		expect((await admin('/admin/v1/trust', 'guess')).statusCode).toBe(401);
	});

	it('is ready while the chain is valid and the log accepts it', async () => {
		const response = await admin('/readyz');
		expect(response.statusCode, response.body).toBe(200);
		expect(response.json()).toMatchObject({
			ready: true,
			checks: { chain: { ok: true }, ctLog: { ok: true }, database: { ok: true } },
		});
		expect(Object.keys(response.json().checks)).toContain(`issuer ${ca.people.url}`);
	});

	it.each<{ name: string; breakIt: () => () => void; check: string }>([
		{
			name: 'the chain has ended',
			breakIt: () => {
				const before = ca.nowMs;
				ca.nowMs = Date.UTC(2029, 7, 1);
				return () => {
					ca.nowMs = before;
				};
			},
			check: 'chain',
		},
		{
			name: 'the log accepts other roots',
			breakIt: () => {
				const roots = ca.ctLog.roots;
				ca.ctLog.roots = [];
				ca.nowMs += 10_000;
				return () => {
					ca.ctLog.roots = roots;
					ca.nowMs += 10_000;
				};
			},
			check: 'ctLog',
		},
	])('is not ready when $name', async ({ breakIt, check }) => {
		const repair = breakIt();
		const response = await admin('/readyz');
		repair();
		expect(response.statusCode).toBe(503);
		expect(response.json()).toMatchObject({ ready: false, checks: { [check]: { ok: false } } });
		expect((await admin('/readyz')).statusCode).toBe(200);
	});
});
