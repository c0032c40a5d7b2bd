/** The timestamp authority: RFC 3161 in DER, and the same question in JSON. */
import { createHash, randomBytes } from 'node:crypto';
import { encodeTimeStampReq, parseTimeStampResp } from '@chancery/core/timestamp';
import { tsaStatus } from '@chancery/wire/status';
import { expect } from 'vitest';
import type { Example, OwnCell } from './cell.ts';
import type { Answer } from './probe.ts';
import { type Refusal, TIMESTAMP } from './wires.ts';

const QUERY_TYPE = 'application/timestamp-query';
const REPLY_TYPE = 'application/timestamp-reply';
const REFUSED: Refusal = { status: 400 };
/** Both forms are refused with 400 whatever is wrong with a body that is within the listener's bound. */
const JSON_REFUSED = { notJson: REFUSED, invalid: REFUSED, noBody: REFUSED, nullBody: REFUSED } as const;

const accepted = {
	status: 200,
	type: REPLY_TYPE,
	look: ({ body }: Answer) => expect(parseTimeStampResp(body).imprint.digest.length).toBe(32),
};

const query = (nonce: Uint8Array = randomBytes(8)) =>
	Buffer.from(
		encodeTimeStampReq({
			imprint: { hashAlgorithm: 'SHA2_256', digest: createHash('sha256').update(nonce).digest() },
			nonce,
			certReq: true,
		}),
	);

export function tsaExamples(): Example[] {
	const get = (path: string, type: string, look: (text: string) => void): Example => ({
		route: `tsa public GET ${path}`,
		wire: TIMESTAMP,
		request: async () => ({ method: 'GET', path }),
		accepted: { status: 200, type, look: ({ body }) => look(String(body)) },
	});
	return [
		...['/api/v1/timestamp', '/tsr', '/'].flatMap((path) => [derExample(path), jsonExample(path)]),
		get('/api/v1/timestamp/certchain', 'application/pem-certificate-chain', (text) =>
			expect(text.match(/BEGIN CERTIFICATE/g)).toHaveLength(2),
		),
		get('/ping', 'text/plain; charset=utf-8', (text) => expect(text).toBe('.')),
		get('/status', 'application/json', (text) =>
			expect(tsaStatus.parse(JSON.parse(text))).toMatchObject({ ready: true, chain: { length: 2 } }),
		),
	];
}

function derExample(path: string): Example {
	const send =
		(body: Uint8Array, headers: Record<string, string> = {}) =>
		async () => ({
			method: 'POST',
			path,
			headers: { 'content-type': QUERY_TYPE, ...headers },
			body,
		});
	const edit = (name: string, from: string, to: string): OwnCell => {
		const hex = query(Buffer.alloc(8, 1)).toString('hex');
		if (!hex.includes(from)) throw new Error(`the query has no ${from}`);
		return { name, request: send(Buffer.from(hex.replace(from, to), 'hex')), expected: REFUSED };
	};
	return {
		route: `tsa public POST ${path}`,
		wire: TIMESTAMP,
		request: () => send(query())(),
		accepted,
		body: { kind: 'der', malformed: REFUSED, otherApplicationType: REFUSED, otherType: { status: 415 } },
		own: [
			edit('version 2', '020101', '020102'),
			edit('a negative version', '020101', '0201ff'),
			edit('an unknown digest', '0609608648016503040201', '0609608648016503040277'),
			edit('SHA-512 with the digest of SHA-256', '0609608648016503040201', '0609608648016503040203'),
			edit('MD5', '0609608648016503040201', '06082a864886f70d0205'),
			edit('a nonce padded with zeros', '02080101010101010101', '02080001010101010101'),
			edit('a nonce padded with ones', '02080101010101010101', '0208ff81010101010101'),
			edit('a nonce in pieces', '02080101010101010101', '22080206010101010101'),
			edit('an odd boolean', '0101ff', '010101'),
			{ name: 'a query of 20 KB', request: send(Buffer.alloc(20_000, 0x30)), expected: TIMESTAMP.tooLarge },
			{ name: 'the same query twice', request: send(query(Buffer.alloc(8, 1))), expected: 'accepted' },
			{ name: 'the same query again', request: send(query(Buffer.alloc(8, 1))), expected: 'accepted' },
			{ name: 'a nonce of 1,000 bytes', request: send(query(Buffer.alloc(1_000, 1))), expected: 'accepted' },
			{
				name: 'a malformed query of a client that wants its refusal in DER',
				request: send(Buffer.from('3000', 'hex'), { accept: REPLY_TYPE }),
				expected: { status: 400, wire: REJECTION },
			},
		],
	};
}

/** PKIStatus rejection (2) and no token (RFC 3161 section 2.4.2). */
const REJECTION = {
	...TIMESTAMP,
	name: 'RFC 3161',
	readMessage: ({ headers, body }: Answer) => {
		expect(headers['content-type']).toBe(REPLY_TYPE);
		expect(body.subarray(2).toString('hex')).toMatch(/^30..020102/);
		return 'rejected';
	},
};

function jsonExample(path: string): Example {
	const send = (change: object = {}) => {
		const artifactHash = tellingDigest().toString('base64');
		const text = JSON.stringify({ artifactHash, hashAlgorithm: 'sha256', certificates: true, ...change });
		return { method: 'POST', path, headers: { 'content-type': 'application/json' }, body: text };
	};
	const bad = (name: string, change: object): OwnCell => ({
		name,
		request: async () => send(change),
		expected: REFUSED,
	});
	return {
		route: `tsa public POST ${path}`,
		variant: 'in JSON',
		wire: TIMESTAMP,
		request: async () => send(),
		accepted,
		body: {
			kind: 'json',
			...JSON_REFUSED,
			isTight: true,
			unknown: 'accepted',
			snakeCase: REFUSED,
			otherType: { status: 415 },
			noType: { status: 415 },
			otherApplicationType: REFUSED,
			fields: [
				{
					path: 'artifactHash',
					is: 'text',
					absent: REFUSED,
					base64: {
						alphabet: REFUSED,
						noPadding: REFUSED,
						extraPadding: REFUSED,
						urlSafe: REFUSED,
						space: REFUSED,
						lineEnd: REFUSED,
					},
				},
				{ path: 'hashAlgorithm', is: 'text', absent: REFUSED },
			],
		},
		own: [
			...['md5', 'sha1', 'sha-256', '', 'sha256\0', '__proto__'].map((hashAlgorithm) =>
				bad(`digest ${JSON.stringify(hashAlgorithm)}`, { hashAlgorithm }),
			),
			bad('a digest of 31 bytes', { artifactHash: Buffer.alloc(31).toString('base64') }),
			bad('an empty digest', { artifactHash: '' }),
			bad('a policy that is not offered', { tsaPolicyOID: '1.2.3.4.5' }),
			...['surprise', '1', '3.1.1', '1.2.', '', `1.2.${'9'.repeat(400)}`].map((tsaPolicyOID) =>
				bad(`policy ${tsaPolicyOID.slice(0, 20)}`, { tsaPolicyOID }),
			),
			...[1.5, 'surprise', '0x10', '1e3', [], true].map((nonce) => bad(`nonce ${JSON.stringify(nonce)}`, { nonce })),
			...[0, -1, Number.MAX_SAFE_INTEGER, `${'9'.repeat(200)}`].map((nonce) => ({
				name: `nonce ${String(nonce).slice(0, 20)}`,
				request: async () => send({ nonce }),
				expected: 'accepted' as const,
			})),
			bad('2 KB', { surprise: 'a'.repeat(2_000) }),
		],
	};
}

/** Its base64 has a character that the URL-safe alphabet spells differently. */
function tellingDigest(): Buffer {
	for (;;) {
		const digest = randomBytes(32);
		if (/[+/]/.test(digest.toString('base64'))) return digest;
	}
}
