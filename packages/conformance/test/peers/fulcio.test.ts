/** Fulcio and our authority, with one issuing key, chain, issuer and CT log, answer the same requests. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { caSubject } from '@chancery/bench/load/ca-subject';
import type { CaTarget } from '@chancery/bench/load/messages';
import { parseCertificate } from '@chancery/core/certificate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask, expectAlike, type Question, startBoth, type TwoServers } from './two-servers.ts';

let servers: TwoServers<CaTarget>;
beforeAll(async () => {
	servers = await startBoth('fulcio', 'ca');
}, 120_000);
afterAll(() => servers?.close());

const PATH = '/api/v2/signingCert';
const JSON_TYPE = { 'content-type': 'application/json' };

interface SigningRequest {
	credentials: { oidcIdentityToken: string };
	publicKeyRequest: { publicKey: { algorithm: string; content: string }; proofOfPossession: string };
}

/** A request that is good on both sides. */
const goodRequest = () => JSON.parse(caSubject(servers.ours).make('certificate').body as string) as SigningRequest;

/** The token of a request with other claims, signed by the issuer. */
function withClaims(request: SigningRequest, change: (claims: Record<string, unknown>) => void): SigningRequest {
	const [head = '', payload = ''] = request.credentials.oidcIdentityToken.split('.');
	const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
	change(claims);
	const signed = `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
	const signature = sign('sha256', Buffer.from(signed), createPrivateKey(servers.ours.issuer.privateKey));
	return { ...request, credentials: { oidcIdentityToken: `${signed}.${signature.toString('base64url')}` } };
}

/** A request for a key of this kind, whose proof is right. */
function withKey(
	request: SigningRequest,
	keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
): SigningRequest {
	const { email } = JSON.parse(
		Buffer.from(request.credentials.oidcIdentityToken.split('.')[1] ?? '', 'base64url').toString(),
	);
	return {
		...request,
		publicKeyRequest: {
			publicKey: { algorithm: '', content: keys.publicKey.export({ type: 'spki', format: 'pem' }) as string },
			proofOfPossession: sign('sha256', Buffer.from(email as string), keys.privateKey).toString('base64'),
		},
	};
}

type Row = Pick<Question, 'name' | 'status' | 'otherWords'> & {
	readonly body: (good: SigningRequest) => object | string;
};

const SUBMISSIONS: readonly Row[] = [
	{ name: 'a good request', body: (good) => good, status: 200 },
	{ name: 'an unknown member', body: (good) => ({ ...good, x: 1 }), status: 200 },
	{
		name: 'snake case',
		body: ({ credentials, publicKeyRequest }) => ({
			credentials: { oidc_identity_token: credentials.oidcIdentityToken },
			public_key_request: publicKeyRequest,
		}),
		status: 200,
	},
	{
		name: 'an RSA key of 2048 bits',
		body: (good) => withKey(good, generateKeyPairSync('rsa', { modulusLength: 2048 })),
		status: 200,
	},
	{ name: 'nothing', body: () => '', status: 400 },
	{ name: 'no JSON', body: () => '{', status: 400, otherWords: 'theirs quotes its parser' },
	{ name: 'no token', body: ({ publicKeyRequest }) => ({ publicKeyRequest }), status: 400 },
	{
		name: 'a token that is none',
		body: (good) => ({ ...good, credentials: { oidcIdentityToken: 'a.b.c' } }),
		status: 400,
	},
	{
		name: 'a token for somebody else',
		body: (good) => withClaims(good, (claims) => (claims.aud = 'other')),
		status: 400,
	},
	{
		name: 'a token of an unknown issuer',
		body: (good) => withClaims(good, (claims) => (claims.iss = 'https://issuer.invalid')),
		status: 400,
	},
	{ name: 'a token that has ended', body: (good) => withClaims(good, (claims) => (claims.exp = 1)), status: 400 },
	{
		name: 'an address that is not verified',
		body: (good) => withClaims(good, (claims) => (claims.email_verified = false)),
		status: 400,
	},
	{ name: 'no key', body: ({ credentials }) => ({ credentials }), status: 400 },
	{
		name: 'a key that is none',
		body: (good) => ({ ...good, publicKeyRequest: { ...good.publicKeyRequest, publicKey: { content: 'x' } } }),
		status: 400,
	},
	{
		name: 'an RSA key of 1024 bits',
		body: (good) => withKey(good, generateKeyPairSync('rsa', { modulusLength: 1024 })),
		status: 400,
	},
	{
		name: 'a proof by another key',
		body: (good) => ({
			...good,
			publicKeyRequest: {
				...good.publicKeyRequest,
				proofOfPossession: goodRequest().publicKeyRequest.proofOfPossession,
			},
		}),
		status: 400,
	},
	{
		name: 'a request for a certificate that is none',
		body: ({ credentials }) => ({ credentials, certificateSigningRequest: 'eHl6' }),
		status: 400,
	},
	{
		name: 'two hundred kilobytes',
		body: (good) => ({ ...good, x: 'y'.repeat(200_000) }),
		status: { ours: 400, theirs: 200, why: 'a body has at most 128 KiB' },
	},
];

it.each(SUBMISSIONS)('$name is answered alike', async ({ body, ...row }) => {
	const made = body(goodRequest());
	await expectAlike(servers, {
		...row,
		path: PATH,
		headers: JSON_TYPE,
		body: typeof made === 'string' ? made : JSON.stringify(made),
	});
});

const READS: readonly Question[] = [
	{ name: 'the trust bundle', path: '/api/v2/trustBundle', status: 200 },
	{ name: 'the configuration', path: '/api/v2/configuration', status: 200 },
	{ name: 'the chain of the first version', path: '/api/v1/rootCert', status: 200 },
	{ name: 'health', path: '/healthz', status: 200 },
	{ name: 'another method', path: PATH, status: 501 },
	{ name: 'an unknown path', path: '/api/v3/signingCert', status: 404 },
	{
		name: 'a leading slash too many',
		path: '//api/v2/trustBundle',
		status: { ours: 200, theirs: 404, why: 'a URL may end in a slash' },
	},
];

it.each(READS)('$name is answered alike', (question) => expectAlike(servers, question));

it.each(['/api/v2/trustBundle', '/api/v1/rootCert'])('%s has the same certificates on both sides', async (path) => {
	const [ours, theirs] = await Promise.all([servers.ours, servers.theirs].map((to) => ask(to, { path })));
	// Line feeds between and behind PEM blocks are not the same, and mean nothing to whoever reads PEM.
	const certificates = ({ body }: typeof ours & {}) =>
		body
			.toString()
			.replaceAll('\\n', '\n')
			.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g);
	expect(certificates(ours!)).toHaveLength(2);
	expect(certificates(ours!)).toEqual(certificates(theirs!));
	expect(ours!.type?.split(';')[0]).toBe(theirs!.type?.split(';')[0]);
});

it('certificates have the same fields and extensions, in one order', async () => {
	const shapes = await Promise.all(
		[servers.ours, servers.theirs].map(async (to) => {
			const { body } = await ask(to, { path: PATH, headers: JSON_TYPE, body: JSON.stringify(goodRequest()) });
			const { signedCertificateEmbeddedSct } = JSON.parse(body.toString()) as {
				signedCertificateEmbeddedSct: { chain: { certificates: string[] } };
			};
			const [leaf = '', ...issuers] = signedCertificateEmbeddedSct.chain.certificates;
			const { raw, validFromDate, validToDate, issuer, subject } = new X509Certificate(leaf);
			const parsed = parseCertificate(new Uint8Array(raw));
			return {
				issuers: issuers.map((pem) => pem.trim()),
				issuer,
				subject,
				lifetimeMs: validToDate.getTime() - validFromDate.getTime(),
				signature: parsed.signatureAlgorithm,
				extensions: parsed.extensions.map(({ oid, critical, value }) => ({ oid, critical, length: value.length })),
			};
		}),
	);
	// Signatures in DER differ in length by a byte or two, and lie in the last extension.
	const plain = shapes.map(({ extensions, ...rest }) => ({
		...rest,
		extensions: extensions.map(({ oid, critical, length }, i) => ({
			oid,
			critical,
			length: i < extensions.length - 1 ? length : 0,
		})),
	}));
	expect(plain[0]).toEqual(plain[1]);
});

it.each(['ours', 'theirs'] as const)(
	'one judge accepts certificates of %s, and finds each in the CT log',
	async (side) => {
		const target = servers[side];
		const subject = caSubject(target);
		for (let i = 0; i < 10; i++) {
			const request = subject.make('certificate');
			const answer = await ask(target, { path: subject.path, headers: JSON_TYPE, body: request.body });
			expect([answer.status, subject.judge(request, answer.body)]).toEqual([200, []]);
		}
		expect((await subject.settle()).complaints).toEqual([]);
	},
);
