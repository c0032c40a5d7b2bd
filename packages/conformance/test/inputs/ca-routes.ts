/** The certificate authority: what Fulcio's clients send, and what they are answered. */

import { execFileSync } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { caStatus } from '@chancery/wire/status';
import { expect } from 'vitest';
import type { Base64Rules, Example, Field, JsonBody, OwnCell } from './cell.ts';
import { hostileKeys, pemOf } from './hostile-keys.ts';
import { hostileTokens, MAX_HEADER_TOKEN_CHARS } from './hostile-tokens.ts';
import type { Answer, ProbeRequest } from './probe.ts';
import { claimsFor, type Subject, signToken } from './subject.ts';
import { GATEWAY, type Refusal } from './wires.ts';

const EMAIL = 'matrix@example.com';
const JSON_TYPE = { 'content-type': 'application/json' };

const TOKEN: Refusal = { status: 400, says: /^There was an error processing the identity token/ };
/** An issuer that was asked a moment ago may have a new key since: until it may be asked again, nobody knows. */
const UNKNOWN_KEY: Refusal = { ...TOKEN, otherStatus: 429 };
const UNKNOWN_KEYS = new Set([
	'with a key id that nobody has',
	'with a key id that is a path',
	'in our name by another instance',
]);
const KEY: Refusal = { status: 400, says: /^The public key supplied in the request could not be parsed/ };
const WEAK_KEY: Refusal = { status: 400, says: /^The public key supplied in the request is insecure/ };
const ANY_KEY: Refusal = {
	status: 400,
	says: /^The public key supplied in the request (is insecure|could not be parsed)/,
};
const CSR: Refusal = { status: 400, says: /^The certificate signing request could not be parsed/ };
const PROOF: Refusal = { status: 400, says: /^The signature supplied in the request could not be verified/ };
const INVALID: Refusal = { status: 400 };

/** proto3 JSON: both alphabets, padding optional. */
const PROTO: Base64Rules = {
	alphabet: INVALID,
	noPadding: 'accepted',
	extraPadding: INVALID,
	urlSafe: 'accepted',
	space: INVALID,
	lineEnd: 'accepted',
};

interface Parts {
	readonly token: string;
	readonly publicKey: string;
	readonly proof: Uint8Array;
}

export function caExamples(subject: Subject, foreign: Subject): Example[] {
	const token = () => signToken(claimsFor(subject, EMAIL), subject.issuerKey);
	const fresh = (): Parts => {
		// Until the proof has padding and characters of one alphabet alone, so that each spelling of it differs.
		for (;;) {
			const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
			const proof = sign('sha256', Buffer.from(EMAIL), privateKey);
			if (!/[+/].*=$/.test(proof.toString('base64'))) continue;
			return { token: token(), publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })), proof };
		}
	};
	const v2 = (parts: Parts): ProbeRequest => ({
		method: 'POST',
		path: '/api/v2/signingCert',
		headers: JSON_TYPE,
		body: JSON.stringify({
			credentials: { oidcIdentityToken: parts.token },
			publicKeyRequest: {
				publicKey: { algorithm: 'ECDSA', content: parts.publicKey },
				proofOfPossession: Buffer.from(parts.proof).toString('base64'),
			},
		}),
	});
	const v1 = (parts: Parts): ProbeRequest => ({
		method: 'POST',
		path: '/api/v1/signingCert',
		headers: { ...JSON_TYPE, authorization: `Bearer ${parts.token}` },
		body: JSON.stringify({
			publicKey: { content: Buffer.from(parts.publicKey).toString('base64'), algorithm: 'ecdsa' },
			signedEmailAddress: Buffer.from(parts.proof).toString('base64'),
		}),
	});
	const withCsr = (version: 1 | 2, csr: string): ProbeRequest => {
		const content = Buffer.from(csr).toString('base64');
		const credentials = { oidcIdentityToken: token() };
		return {
			method: 'POST',
			path: `/api/v${version}/signingCert`,
			headers: version === 1 ? { ...JSON_TYPE, authorization: `Bearer ${token()}` } : JSON_TYPE,
			body: JSON.stringify({ ...(version === 2 ? { credentials } : {}), certificateSigningRequest: content }),
		};
	};
	const csr = certificationRequest();
	const hostile = (request: (parts: Parts) => ProbeRequest, maxTokenChars = Number.POSITIVE_INFINITY) => [
		...tokenCells(subject, foreign, (bad) => request({ ...fresh(), token: bad }), maxTokenChars),
		...keyCells(subject, request, fresh),
	];

	const v2Fields: Field[] = [
		{ path: 'credentials', is: 'object', absent: TOKEN },
		{ path: 'credentials.oidcIdentityToken', is: 'text', absent: TOKEN },
		{ path: 'publicKeyRequest', is: 'object', absent: KEY },
		{ path: 'publicKeyRequest.publicKey', is: 'object', absent: KEY },
		{ path: 'publicKeyRequest.publicKey.content', is: 'text', absent: KEY, pem: KEY },
		{ path: 'publicKeyRequest.proofOfPossession', is: 'text', absent: PROOF, base64: PROTO },
	];
	// PEM in the alphabet of base64 alone never has `+` or `/`: other characters there are other bytes, and no PEM.
	const ofPem = (refusal: Refusal): Base64Rules => ({ ...PROTO, urlSafe: refusal });
	const v1Fields: Field[] = [
		{ path: 'publicKey', is: 'object', absent: KEY },
		{ path: 'publicKey.content', is: 'text', absent: KEY, base64: ofPem(KEY), pem: KEY },
		{ path: 'signedEmailAddress', is: 'text', absent: PROOF, base64: PROTO },
	];
	const csrField: Field = { path: 'certificateSigningRequest', is: 'text', absent: KEY, base64: ofPem(CSR), pem: CSR };
	const csrCells = (version: 1 | 2): OwnCell[] => {
		const other = async () => withCsr(version, tampered(csr));
		return [{ name: 'a request signed by another key', request: other, expected: PROOF }];
	};
	const v2Body: JsonBody = { ...GATEWAY_BODY, noBody: TOKEN, nullBody: TOKEN, fields: v2Fields, invalid: INVALID };
	const v1Body: JsonBody = { ...GATEWAY_BODY, noBody: KEY, nullBody: KEY, fields: v1Fields, invalid: INVALID };

	const issue: Example[] = [
		{
			route: 'ca public POST /api/v2/signingCert',
			request: async () => v2(fresh()),
			body: v2Body,
			own: hostile(v2),
			...ISSUED_V2,
		},
		{
			route: 'ca public POST /api/v2/signingCert',
			variant: 'with a certification request',
			request: async () => withCsr(2, csr),
			body: { ...v2Body, fields: [csrField] },
			own: csrCells(2),
			...ISSUED_V2,
		},
		{
			route: 'ca public POST /api/v1/signingCert',
			request: async () => v1(fresh()),
			body: v1Body,
			own: [...hostile(v1, MAX_HEADER_TOKEN_CHARS), ...schemeCells((scheme) => withScheme(v1(fresh()), scheme))],
			...ISSUED_V1,
		},
		{
			route: 'ca public POST /api/v1/signingCert',
			variant: 'with a certification request',
			request: async () => withCsr(1, csr),
			body: { ...v1Body, fields: [csrField] },
			own: csrCells(1),
			...ISSUED_V1,
		},
	];
	return [...issue, ...readExamples()];
}

const GATEWAY_BODY = {
	kind: 'json',
	unknown: 'accepted',
	snakeCase: 'accepted',
	otherType: 'accepted',
	noType: 'accepted',
	tooLarge: GATEWAY.tooLarge,
} as const satisfies Partial<JsonBody>;

const ISSUED_V2 = {
	wire: GATEWAY,
	accepted: {
		status: 200,
		type: 'application/json',
		look: ({ body }: Answer) => {
			const json = JSON.parse(String(body));
			expect(Object.keys(json)).toEqual(['signedCertificateEmbeddedSct']);
			expectChain(json.signedCertificateEmbeddedSct.chain.certificates);
		},
	},
} satisfies Partial<Example>;

const PEMS = /-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs;

const ISSUED_V1 = {
	wire: GATEWAY,
	accepted: {
		status: 201,
		type: 'application/pem-certificate-chain',
		look: ({ body }: Answer) => expectChain(String(body).match(PEMS) ?? []),
	},
} satisfies Partial<Example>;

/** Leaf, issuing certificate, root: each issued by the next. */
function expectChain(pems: readonly string[]): void {
	const [leaf, issuing, root] = pems.map((pem) => new X509Certificate(pem));
	expect(pems.length).toBe(3);
	expect(leaf?.subjectAltName).toBe(`email:${EMAIL}`);
	expect(issuing && leaf?.verify(issuing.publicKey)).toBe(true);
	expect(root && issuing?.verify(root.publicKey)).toBe(true);
}

function readExamples(): Example[] {
	const get = (path: string, type: string, look: (text: string) => void): Example => ({
		route: `ca public GET ${path}`,
		wire: GATEWAY,
		request: async () => ({ method: 'GET', path }),
		accepted: { status: 200, type, look: ({ body }) => look(String(body)) },
	});
	return [
		get('/api/v2/trustBundle', 'application/json', (text) =>
			expect(JSON.parse(text).chains[0].certificates).toHaveLength(2),
		),
		get('/api/v1/rootCert', 'application/pem-certificate-chain', (text) => expect(text.match(PEMS)).toHaveLength(2)),
		get('/api/v2/configuration', 'application/json', (text) =>
			expect(JSON.parse(text).issuers[0].audience).toBe('sigstore'),
		),
		get('/healthz', 'application/json', (text) => expect(JSON.parse(text)).toEqual({ status: 'SERVING' })),
		get('/status', 'application/json', (text) =>
			expect(caStatus.parse(JSON.parse(text))).toMatchObject({ ready: true, chain: { length: 2 } }),
		),
	];
}

function tokenCells(
	subject: Subject,
	foreign: Subject,
	request: (token: string) => ProbeRequest,
	maxChars: number,
): OwnCell[] {
	return Object.entries(hostileTokens(subject, foreign, EMAIL)).map(([name, token]) => {
		const bad = token();
		const refused = UNKNOWN_KEYS.has(name) ? UNKNOWN_KEY : TOKEN;
		const expected = bad.length > maxChars ? GATEWAY.headersTooLarge : refused;
		return { name: `a token ${name}`, request: async () => request(token()), expected };
	});
}

/** RFC 9110 section 11.1: the scheme in any case, then spaces. */
function schemeCells(request: (scheme: string) => ProbeRequest): OwnCell[] {
	const written = (scheme: string, expected: Refusal | 'accepted'): OwnCell => ({
		name: `a token after '${scheme}'`,
		request: async () => request(scheme),
		expected,
	});
	return [
		...['bearer ', 'BEARER ', 'bEaReR  ', 'Bearer        ', ''].map((scheme) => written(scheme, 'accepted')),
		...['Basic ', 'Bearer,', 'Bearer Bearer ', 'Bearer="', 'NotBearer '].map((scheme) => written(scheme, TOKEN)),
	];
}

function withScheme(request: ProbeRequest, scheme: string): ProbeRequest {
	const authorization = (request.headers?.authorization ?? '').replace('Bearer ', scheme);
	return { ...request, headers: { ...request.headers, authorization } };
}

function keyCells(subject: Subject, request: (parts: Parts) => ProbeRequest, fresh: () => Parts): OwnCell[] {
	const with_ = (name: string, change: (parts: Parts) => Parts, expected: Refusal | 'accepted'): OwnCell => ({
		name,
		request: async () => request(change(fresh())),
		expected,
	});
	const proofBy = (key: KeyObject, over: string, hash = 'sha256') => sign(hash, Buffer.from(over), key);
	const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const own = ownKeys(subject);
	return [
		...Object.entries(hostileKeys()).map(([name, { spki, isWeak }]) =>
			with_(
				`a key: ${name}`,
				(parts) => ({ ...parts, publicKey: pemOf('PUBLIC KEY', spki) }),
				isWeak ? WEAK_KEY : ANY_KEY,
			),
		),
		...own.map(([name, publicKey]) =>
			with_(`a key of our own: ${name}`, (parts) => ({ ...parts, publicKey }), WEAK_KEY),
		),
		with_('two keys', (parts) => ({ ...parts, publicKey: parts.publicKey + parts.publicKey }), KEY),
		with_('a proof by another key', (parts) => ({ ...parts, proof: proofBy(pair().privateKey, EMAIL) }), PROOF),
		with_('a proof over another address', (parts) => ({ ...parts, ...proven(pair(), 'mallory@example.com') }), PROOF),
		with_('a proof with another hash', (parts) => ({ ...parts, ...proven(pair(), EMAIL, 'sha384') }), PROOF),
		with_('a proof cut short', (parts) => ({ ...parts, proof: parts.proof.subarray(0, -1) }), PROOF),
		with_(
			'a proof with a byte behind it',
			(parts) => ({ ...parts, proof: Buffer.concat([parts.proof, Buffer.of(0)]) }),
			PROOF,
		),
		with_('a proof of zeros', (parts) => ({ ...parts, proof: Buffer.from('3006020100020100', 'hex') }), PROOF),
		with_('the same key twice', (parts) => parts, 'accepted'),
	];

	function proven({ privateKey, publicKey }: ReturnType<typeof pair>, over: string, hash?: string) {
		return {
			publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })),
			proof: proofBy(privateKey, over, hash),
		};
	}
}

/** Keys of the authority itself; a certificate for one of them would let a client speak for it. */
function ownKeys(subject: Subject): [name: string, pem: string][] {
	const root = subject.trustedRoot as {
		certificateAuthorities: { certChain: { certificates: { rawBytes: string }[] } }[];
		ctlogs: { publicKey: { rawBytes: string } }[];
	};
	const [issuing, top] = root.certificateAuthorities[0]?.certChain.certificates ?? [];
	const keyOf = (der: string) =>
		String(new X509Certificate(Buffer.from(der, 'base64')).publicKey.export({ type: 'spki', format: 'pem' }));
	const ct = Buffer.from(root.ctlogs[0]?.publicKey.rawBytes ?? '', 'base64');
	return [
		['issuing certificate', keyOf(issuing?.rawBytes ?? '')],
		['root', keyOf(top?.rawBytes ?? '')],
		[
			'CT log',
			String(createPublicKey({ key: ct, format: 'der', type: 'spki' }).export({ type: 'spki', format: 'pem' })),
		],
	];
}

/** PEM of a PKCS#10 request as openssl makes it. */
function certificationRequest(): string {
	const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '/dev/null'];
	return execFileSync('openssl', ['req', '-new', '-subj', '/CN=matrix', ...key], {
		encoding: 'utf8',
		stdio: ['ignore', 'pipe', 'ignore'],
	});
}

/** The same with another key in the place of its own: the signature is whole and by somebody else. */
function tampered(csr: string): string {
	const der = Buffer.from(csr.replace(/-----[^-]+-----|\s/g, ''), 'base64');
	const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const own = publicKey.export({ type: 'spki', format: 'der' });
	const at = der.indexOf(own.subarray(0, 27));
	own.copy(der, at);
	return pemOf('CERTIFICATE REQUEST', der);
}
