/** The v1 signature log: Rekor's REST interface. */
import { createHash, type KeyObject, sign } from 'node:crypto';
import { signatureLogStatus } from '@chancery/wire/status';
import { expect } from 'vitest';
import type { Base64Rules, Example, Expected, Field, JsonBody, OwnCell } from './cell.ts';
import { hostileCertificates } from './hostile-certificates.ts';
import { hostileKeys, pemOf } from './hostile-keys.ts';
import { type Answer, type ProbeRequest, send } from './probe.ts';
import { freshKey, issueCertificate, pemBase64Of, signerOf, spkiOf, tellingSignature } from './signing.ts';
import type { Subject } from './subject.ts';
import { REKOR_V1, type Refusal } from './wires.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
/** What the framework refuses, and what the handler refuses. */
const SHAPE: Refusal = { status: 422 };
const REFUSED: Refusal = { status: 400 };
const NOT_THERE: Refusal = { status: 404, isEmpty: true };
/** Standard base64 with its padding and nothing else. */
const STRICT: Base64Rules = {
	alphabet: REFUSED,
	noPadding: REFUSED,
	extraPadding: REFUSED,
	urlSafe: REFUSED,
	space: REFUSED,
	lineEnd: REFUSED,
};
const BODY = {
	kind: 'json',
	noBody: REFUSED,
	nullBody: SHAPE,
	otherType: { status: 415 },
	noType: 'accepted',
	isRoomy: true,
} as const satisfies Partial<JsonBody>;
const { isRoomy: _large, ...SEARCH_BODY } = BODY;

type Spec = Record<string, unknown>;

const PAGES_THAT_ARE_NONE = [
	'?limit=0',
	'?limit=10001',
	'?limit=x',
	'?limit=1.5',
	'?limit=1&limit=2',
	'?before=-1',
	'?before=1e3',
	'?before=9007199254740992',
	'?before=',
];

export async function logV1Examples(subject: Subject): Promise<Example[]> {
	const base = subject.urls.log;
	const info = JSON.parse(String((await send(base, { method: 'GET', path: '/api/v1/log' })).body));
	const logged = JSON.parse(String((await send(base, hashedrekord())).body)) as Record<string, { logIndex: number }>;
	const [[uuid = '', { logIndex } = { logIndex: 0 }] = []] = Object.entries(logged);
	const treeId = uuid.slice(0, 16);
	const zeros = '0'.repeat(64);

	const get = (
		path: string,
		query: string,
		type: string,
		look: (answer: Answer) => void,
		more: Partial<Example> = {},
	): Example => ({
		route: `log v1 GET ${path}`,
		wire: REKOR_V1,
		request: async () => ({ method: 'GET', path: path + query }),
		accepted: { status: 200, type, look },
		...more,
	});
	const entry = ({ body }: Answer) => expect(Object.keys(JSON.parse(String(body)))).toEqual([uuid]);
	const tree = { name: 'treeID', is: 'tree', bad: REFUSED, twice: SHAPE, absent: 'accepted' } as const;
	const size = { is: 'index', bad: SHAPE, huge: REFUSED } as const;
	const post = (path: string, body: object, fields: Field[], more: Partial<Example>): Example => ({
		route: `log v1 POST ${path}`,
		wire: REKOR_V1,
		request: async () => ({ method: 'POST', path, headers: JSON_TYPE, body: JSON.stringify(body) }),
		body: { ...BODY, unknown: 'accepted', fields },
		accepted: {
			status: 200,
			type: 'application/json',
			look: ({ body: list }) => expect(JSON.parse(String(list))).toHaveLength(1),
		},
		...more,
	});
	const names = (entryUUIDs: unknown): ProbeRequest => ({
		method: 'POST',
		path: '/api/v1/log/entries/retrieve',
		headers: JSON_TYPE,
		body: JSON.stringify({ entryUUIDs }),
	});
	const search = (what: object, page = ''): ProbeRequest => ({
		method: 'POST',
		path: `/api/v1/index/retrieve${page}`,
		headers: JSON_TYPE,
		body: JSON.stringify(what),
	});
	const retrieved: Field[] = [
		{ path: 'entryUUIDs', is: 'array', absent: 'accepted', wrongType: SHAPE },
		{ path: 'entryUUIDs.0', is: 'text', absent: SHAPE },
		{ path: 'logIndexes.0', is: 'number', absent: SHAPE },
	];
	const nothing = {
		status: 200,
		type: 'application/json',
		look: ({ body }: Answer) => expect(String(body)).toBe('[]'),
	};

	return [
		...writeExamples(await issueCertificate(subject)),
		get('/api/v1/log/entries', `?logIndex=${logIndex}`, 'application/json', entry, {
			query: [{ name: 'logIndex', is: 'index', bad: SHAPE, huge: NOT_THERE, absent: SHAPE }],
		}),
		get('/api/v1/log/entries/:entryUUID', '', 'application/json', entry, {
			request: async () => ({ method: 'GET', path: `/api/v1/log/entries/${uuid}` }),
			parameter: {
				values: {
					[uuid.slice(16)]: 'accepted',
					[uuid.toUpperCase()]: 'accepted',
					[treeId + zeros]: NOT_THERE,
					[`${'1'.repeat(16)}${uuid.slice(16)}`]: NOT_THERE,
					[`${'0'.repeat(16)}${uuid.slice(16)}`]: REFUSED,
					[`${'f'.repeat(16)}${uuid.slice(16)}`]: REFUSED,
					[zeros]: NOT_THERE,
					[uuid.slice(1)]: SHAPE,
					[`${uuid}0`]: SHAPE,
					'-1': SHAPE,
					'%2e%2e': SHAPE,
					['g'.repeat(64)]: SHAPE,
				},
			},
			longerPath: { slash: SHAPE },
		}),
		post('/api/v1/log/entries/retrieve', { entryUUIDs: [uuid], logIndexes: [logIndex] }, retrieved, {
			body: { ...BODY, unknown: 'accepted', fields: retrieved, snakeCase: nothing },
			// The same path as a name of an entry, which can only be read.
			longerPath: { slash: { status: 405 }, overlong: { status: 405 } },
			own: [
				...[-1, 1.5, 1e300, 2 ** 53, '0', '-1'].map((index) => ({
					name: `the index ${JSON.stringify(index)}`,
					request: async () => ({ ...names([]), body: JSON.stringify({ logIndexes: [index] }) }),
					expected: SHAPE,
				})),
				{ name: 'an empty list', request: async () => names([]), expected: SHAPE },
				{ name: 'eleven names', request: async () => names(Array(11).fill(uuid)), expected: SHAPE },
				{ name: 'the same name ten times', request: async () => names(Array(10).fill(uuid)), expected: 'accepted' },
				{ name: 'a name with an impossible tree', request: async () => names(['0'.repeat(80)]), expected: REFUSED },
				{ name: 'a name that is none', request: async () => names(['surprise']), expected: SHAPE },
			],
		}),
		{
			...post('/api/v1/index/retrieve', { hash: `sha256:${zeros}` }, [], {
				body: {
					...SEARCH_BODY,
					unknown: 'accepted',
					fields: [{ path: 'hash', is: 'text', absent: 'accepted' }],
				},
			}),
			accepted: nothing,
			own: [
				...['sha256:00', `md5:${'0'.repeat(32)}`, `sha512:${zeros}`, 'surprise', `${zeros}\0`].map((hash) => ({
					name: `the digest ${JSON.stringify(hash.slice(0, 20))}`,
					request: async () => search({ hash }),
					expected: SHAPE,
				})),
				...['surprise', 'a b@example.com', '@', 'a'.repeat(600)].map((email) => ({
					name: `the address ${email.slice(0, 20)}`,
					request: async () => search({ email }),
					expected: SHAPE,
				})),
				...PAGES_THAT_ARE_NONE.map((page) => ({
					name: `the page ${page}`,
					request: async () => search({ hash: zeros }, page),
					expected: SHAPE,
				})),
				{
					name: 'the largest page, below the largest index',
					request: async () => search({ hash: zeros }, '?limit=10000&before=9007199254740991'),
					expected: 'accepted',
				},
				{
					name: 'an operator that is none',
					request: async () => search({ hash: zeros, operator: 'xor' }),
					expected: SHAPE,
				},
				...['pgp', 'minisign', 'ssh', 'tuf'].map((format) => ({
					name: `a key of format ${format}`,
					request: async () => search({ publicKey: { format, content: 'AAAA' } }),
					expected: { status: 400, says: /PKI format requested is not supported/ },
				})),
				...['', '!', 'AAAA', Buffer.from('surprise').toString('base64')].map((content) => ({
					name: `a key that is ${JSON.stringify(content)}`,
					request: async () => search({ publicKey: { format: 'x509', content } }),
					expected: { status: 400, says: /public key provided could not be parsed/ },
				})),
			],
		},
		get('/api/v1/log', '', 'application/json', ({ body }) => {
			expect(Object.keys(JSON.parse(String(body)))).toEqual([
				'rootHash',
				'treeSize',
				'signedTreeHead',
				'treeID',
				'inactiveShards',
			]);
		}),
		get('/api/v1/log/publicKey', `?treeID=${info.treeID}`, 'application/x-pem-file', isPem, { query: [tree] }),
		get('/api/v1/log/proof', `?firstSize=1&lastSize=1&treeID=${info.treeID}`, 'application/json', isProof, {
			query: [{ ...size, name: 'firstSize', absent: 'accepted' }, { ...size, name: 'lastSize', absent: SHAPE }, tree],
			own: ['firstSize=0&lastSize=1', 'firstSize=1&lastSize=0'].map((query) => ({
				name: query,
				request: async () => ({ method: 'GET', path: `/api/v1/log/proof?${query}` }),
				expected: SHAPE,
			})),
		}),
		get('/status', '', 'application/json', ({ body }) =>
			expect(signatureLogStatus.parse(JSON.parse(String(body)))).toMatchObject({ apiVersion: 1, ready: true }),
		),
		get('/ping', '', 'text/plain; charset=utf-8', ({ body }) => expect(String(body)).toBe('.')),
	];
}

const isPem = ({ body }: Answer) => expect(String(body)).toMatch(/^-----BEGIN PUBLIC KEY-----/);
const isProof = ({ body }: Answer) => expect(Object.keys(JSON.parse(String(body)))).toEqual(['rootHash', 'hashes']);

function writeExamples({ key, chain }: Awaited<ReturnType<typeof issueCertificate>>): Example[] {
	const route = 'log v1 POST /api/v1/log/entries';
	const accepted = {
		status: 201,
		type: 'application/json',
		look: ({ body, headers }: Answer) => {
			const [[uuid = '', entry] = []] = Object.entries(
				JSON.parse(String(body)) as Record<string, Record<string, object>>,
			);
			expect(uuid).toMatch(/^[0-9a-f]{80}$/);
			expect([headers.etag, headers.location]).toEqual([uuid, `/api/v1/log/entries/${uuid}`]);
			expect(Object.keys(entry ?? {})).toEqual(['body', 'integratedTime', 'logID', 'logIndex', 'verification']);
		},
	};
	const outer: Field[] = [
		{ path: 'kind', is: 'text', absent: SHAPE },
		{ path: 'apiVersion', is: 'text', absent: SHAPE },
		{ path: 'spec', is: 'object', absent: SHAPE },
	];
	return [
		{
			route,
			wire: REKOR_V1,
			accepted,
			request: async () => hashedrekord(),
			body: {
				...BODY,
				unknown: SHAPE,
				// Not proto3 JSON: another spelling is another name.
				snakeCase: SHAPE,
				// What is not the kind's is not logged.
				unknownWithin: 'accepted',
				fields: [
					...outer,
					...specFields([
						{ path: 'spec.data.hash.algorithm', is: 'text', absent: REFUSED },
						{ path: 'spec.data.hash.value', is: 'text', absent: REFUSED },
						{ path: 'spec.signature.content', is: 'text', absent: REFUSED, base64: STRICT },
						{ path: 'spec.signature.publicKey.content', is: 'text', absent: REFUSED, base64: STRICT, pem: REFUSED },
					]),
				],
			},
			own: writeCells(),
		},
		{
			route,
			variant: 'with a certificate',
			wire: REKOR_V1,
			accepted,
			request: async () => certified(key, chain),
			body: {
				...BODY,
				unknown: SHAPE,
				unknownWithin: 'accepted',
				snakeCase: SHAPE,
				fields: specFields([{ path: 'spec.signature.publicKey.content', is: 'text', absent: REFUSED, pem: REFUSED }]),
			},
			own: [
				{ name: 'a chain', request: async () => certified(key, chain, chain), expected: 'accepted' },
				{
					name: 'a chain in reverse',
					request: async () => certified(key, chain.toReversed(), chain.toReversed()),
					expected: REFUSED,
				},
				{
					name: 'the leaf twice',
					request: async () => certified(key, [], [chain[0] ?? '', chain[0] ?? '']),
					expected: REFUSED,
				},
				{
					name: 'the certificate of another key',
					request: async () => certified(freshKey(), chain),
					expected: REFUSED,
				},
				{
					name: 'the certificate of its issuer',
					request: async () => certified(key, chain.slice(1)),
					expected: REFUSED,
				},
				...Object.entries(hostileCertificates(spkiOf(key))).map(([name, { der, isLoggable }]) => ({
					name: `a certificate with ${name}`,
					request: async () => certified(key, [der.toString('base64')]),
					expected: isLoggable ? ('accepted' as const) : REFUSED,
				})),
			],
		},
		{
			route,
			variant: 'an envelope',
			wire: REKOR_V1,
			accepted,
			request: async () => dsse(),
			body: {
				...BODY,
				unknown: SHAPE,
				// Not proto3 JSON: another spelling is another name.
				snakeCase: SHAPE,
				// What is not the kind's is not logged.
				unknownWithin: 'accepted',
				fields: [
					...outer,
					...specFields([
						{ path: 'spec.proposedContent.envelope', is: 'text', absent: REFUSED },
						{ path: 'spec.proposedContent.verifiers', is: 'array', absent: REFUSED },
						{ path: 'spec.proposedContent.verifiers.0', is: 'text', absent: REFUSED, base64: STRICT, pem: REFUSED },
					]),
				],
			},
			own: [
				...['{', '[]', 'null', '{"payload":"!","payloadType":"a","signatures":[{"sig":"AAAA"}]}'].map((envelope) => ({
					name: `an envelope that is ${envelope}`,
					request: async () => dsse({ envelope }),
					expected: REFUSED,
				})),
				{
					name: 'an envelope signed by another key',
					request: async () => dsse({}, freshKey(), spkiOf(freshKey())),
					expected: REFUSED,
				},
				{
					name: 'eleven verifiers',
					request: async () => dsse({ verifiers: Array(11).fill('AAAA') }),
					expected: REFUSED,
				},
				{
					name: 'an envelope 10,000 levels deep',
					request: async () => dsse({ envelope: '['.repeat(10_000) }),
					expected: REFUSED,
				},
			],
		},
	];
}

/** Inside `spec` it is the kind that refuses, and a member of the wrong type is its refusal. */
const specFields = (fields: Field[]): Field[] => fields.map((field) => ({ ...field, wrongType: REFUSED }));

/** What a retry gets: the first answer again, and a header that says so. */
const REPEATED = {
	status: 201,
	type: 'application/json',
	look: ({ headers }: Answer) => expect(headers['x-chancery-duplicate']).toBe('true'),
};

/** What a log that keeps only honest signatures must refuse. */
function writeCells(): OwnCell[] {
	const over = (name: string, request: () => ProbeRequest, expected: Expected = REFUSED): OwnCell => ({
		name,
		request: async () => request(),
		expected,
	});
	const first = hashedrekord();
	return [
		over('an entry', () => first, 'accepted'),
		over('the same entry again', () => first, REPEATED),
		over('a signature by another key', () => hashedrekord({}, freshKey(), spkiOf(freshKey()))),
		over('a key of another curve than the digest', () => hashedrekord({}, freshKey('P-384'))),
		...Object.entries(hostileKeys()).map(([name, hostile]) =>
			over(
				`a key: ${name}`,
				() => hashedrekord({}, signerOf(hostile), hostile.spki),
				hostile.isLoggable ? 'accepted' : REFUSED,
			),
		),
		...['surprise', 'rekord', 'intoto', 'tuf', 'alpine', '__proto__', 'constructor', '\0'].map((kind) =>
			over(`an entry of kind ${JSON.stringify(kind)}`, () => hashedrekord({ kind })),
		),
		...['0.0.2', '9.9.9'].map((apiVersion) => over(`version ${apiVersion}`, () => hashedrekord({ apiVersion }))),
		...['1', 'surprise', '0.0.1.1', '00.0.1'].map((apiVersion) =>
			over(`version ${apiVersion}`, () => hashedrekord({ apiVersion }), SHAPE),
		),
		...['sha1', 'sha384', 'SHA256', ''].map((algorithm) =>
			over(`a digest of ${algorithm || 'nothing'}`, () => digested({ algorithm })),
		),
		...['00', 'g'.repeat(64), 'A'.repeat(64), '0'.repeat(128), '0'.repeat(64)].map((value) =>
			over(`the digest ${value.slice(0, 4)} of ${value.length}`, () => digested({ value })),
		),
		over('a digest with upper-case digits', () => digested({ value: 'AB'.repeat(32) })),
	];
}

/** An entry that names its key by certificates: the first of `chain`, or `sent`. */
function certified(key: KeyObject, chain: readonly string[], sent = chain.slice(0, 1)): ProbeRequest {
	const request = hashedrekord({}, key);
	const entry = JSON.parse(String(request.body));
	const pem = sent.map((der) => pemOf('CERTIFICATE', Buffer.from(der, 'base64'))).join('');
	entry.spec.signature.publicKey.content = Buffer.from(pem).toString('base64');
	return { ...request, body: JSON.stringify(entry) };
}

function digested(hash: object): ProbeRequest {
	const request = hashedrekord();
	const entry = JSON.parse(String(request.body));
	Object.assign(entry.spec.data.hash, hash);
	return { ...request, body: JSON.stringify(entry) };
}

/** A proposed entry whose signature is by `signer`, and whose key is that of `named`. */
export function hashedrekord(change: Spec = {}, signer = freshKey(), named: Uint8Array = spkiOf(signer)): ProbeRequest {
	const artifact = crypto.getRandomValues(new Uint8Array(32));
	const digest = createHash('sha256').update(artifact).digest('hex');
	const signature = tellingSignature(signer, artifact);
	const spec = {
		data: { hash: { algorithm: 'sha256', value: digest } },
		signature: { content: signature.toString('base64'), publicKey: { content: pemBase64Of(named) } },
	};
	return proposed({ apiVersion: '0.0.1', kind: 'hashedrekord', spec, ...change });
}

function dsse(change: Spec = {}, signer = freshKey(), named: Uint8Array = spkiOf(signer)): ProbeRequest {
	const payload = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64');
	const type = 'application/vnd.in-toto+json';
	const message = Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} 32 `), Buffer.from(payload, 'base64')]);
	const sig = sign('sha256', message, signer).toString('base64');
	const envelope = JSON.stringify({ payload, payloadType: type, signatures: [{ sig }] });
	const verifiers = [pemBase64Of(named)];
	return proposed({ apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent: { envelope, verifiers, ...change } } });
}

function proposed(entry: object): ProbeRequest {
	return { method: 'POST', path: '/api/v1/log/entries', headers: JSON_TYPE, body: JSON.stringify(entry) };
}
