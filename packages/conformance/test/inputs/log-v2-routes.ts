/** The v2 signature log: one write call, and tiles. */
import { createHash, type KeyObject } from 'node:crypto';
import { signatureLogStatus } from '@chancery/wire/status';
import { expect } from 'vitest';
import type { Base64Rules, Example, Expected, Field, JsonBody, OwnCell } from './cell.ts';
import { hostileCertificates } from './hostile-certificates.ts';
import { type HostileKey, hostileKeys, pemOf } from './hostile-keys.ts';
import { type Answer, type ProbeRequest, send } from './probe.ts';
import { freshKey, issueCertificate, signerOf, spkiOf, tellingSignature } from './signing.ts';
import type { Subject } from './subject.ts';
import { GATEWAY, type Refusal, TEXT } from './wires.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const REFUSED: Refusal = { status: 400 };
/** Readers of tiles go by the status; the words are for people. */
const NO_TILE: Refusal = { status: 404, wire: TEXT };
/** proto3 JSON: either alphabet, padding as a whole or not at all. */
const PROTO: Base64Rules = {
	alphabet: REFUSED,
	noPadding: 'accepted',
	extraPadding: REFUSED,
	urlSafe: 'accepted',
	space: REFUSED,
	lineEnd: 'accepted',
};
const WRITE = '/api/v2/log/entries';
const ROUTE = `log v2 POST ${WRITE}`;

export async function logV2Examples(subject: Subject): Promise<Example[]> {
	await send(subject.urls.log2, hashedRekord());
	const checkpoint = String((await send(subject.urls.log2, { method: 'GET', path: '/checkpoint' })).body);
	const size = Number(checkpoint.split('\n')[1]);
	const get = (
		path: string,
		at: string,
		type: string,
		look: (text: string) => void,
		more: Partial<Example> = {},
	): Example => ({
		route: `log v2 GET ${path}`,
		wire: GATEWAY,
		request: async () => ({ method: 'GET', path: at }),
		accepted: { status: 200, type, look: ({ body }) => look(body.toString('latin1')) },
		...more,
	});
	const isCheckpoint = (latin1: string) =>
		expect(Buffer.from(latin1, 'latin1').toString()).toMatch(/^localhost\n\d+\n[A-Za-z0-9+/]{43}=\n\n— localhost /);
	const reads = (prefix: string): Example[] => [
		get(`${prefix}/checkpoint`, `${prefix}/checkpoint`, 'text/plain; charset=utf-8', isCheckpoint),
		get(
			`${prefix}/tile/*`,
			`${prefix}/tile/0/000.p/${size}`,
			'application/octet-stream',
			(text) => expect(text.length).toBe(32 * size),
			{
				longerPath: { below: NO_TILE, slash: NO_TILE, overlong: NO_TILE },
				parameter: { values: tileNames(size) },
			},
		),
	];
	return [
		...writeExamples(await issueCertificate(subject)),
		get('/status', '/status', 'application/json', (text) =>
			expect(signatureLogStatus.parse(JSON.parse(text))).toMatchObject({
				apiVersion: 2,
				ready: true,
				mode: 'development',
			}),
		),
		get('/healthz', '/healthz', 'application/json', (text) => expect(JSON.parse(text)).toEqual({ status: 'SERVING' })),
		...reads('/api/v2'),
		...reads(''),
	];
}

/** Paths below `tile/`, none of which is in a tree of `size` leaves. */
export function tileNames(size: number, missing: Expected = NO_TILE): Record<string, Expected> {
	const names = [
		...[
			'',
			'0',
			'0/',
			'0/0',
			'0/00',
			'0/0000',
			'0/-01',
			'0/+01',
			'0/1e3',
			'0/0x0',
			'0/surprise',
			'-1/000',
			'8/000',
			'64/000',
		],
		...['99999999999999999999/000', '0/x000', '0/x000/x000/000', '0/999', `0/${'x999/'.repeat(6)}999`, '0/٠٠٠'],
		...[
			`0/000.p/${size + 1_000}`,
			'0/000.p/0',
			'0/000.p/-1',
			'0/000.p/256',
			'0/000.p/01',
			'0/000.p/',
			'0/000.p',
			'0/000.p/surprise',
		],
		...['0/998', '0/000/', '0/000%2ep/1/', '%2e%2e/checkpoint', '0/..%2f000', '0//000', 'surprise/000'],
	];
	return Object.fromEntries(names.map((name) => [encodeURI(decodeURI(name)).replaceAll('%25', '%'), missing]));
}

function writeExamples({ key, chain }: Awaited<ReturnType<typeof issueCertificate>>): Example[] {
	const accepted = {
		status: 201,
		type: 'application/json',
		look: ({ body }: Answer) => {
			const json = JSON.parse(String(body));
			const names = [
				'logIndex',
				'logId',
				'kindVersion',
				'integratedTime',
				'inclusionPromise',
				'inclusionProof',
				'canonicalizedBody',
			];
			expect(Object.keys(json)).toEqual(names);
			expect(json.kindVersion).toEqual({ kind: 'hashedrekord', version: '0.0.2' });
			expect(json.logIndex).toMatch(/^\d+$/);
		},
	};
	const body: Omit<JsonBody, 'fields'> = {
		kind: 'json',
		noBody: REFUSED,
		tooLarge: { status: 413 },
		nullBody: REFUSED,
		unknown: REFUSED,
		snakeCase: 'accepted',
		otherType: 'accepted',
		noType: 'accepted',
	};
	const is = (path: string, type: Field['is'], more: Partial<Field> = {}): Field => ({
		path,
		is: type,
		absent: REFUSED,
		...more,
	});
	const rekord = 'hashedRekordRequestV002';
	const envelope = 'dsseRequestV002';
	const certificate = Buffer.from(chain[0] ?? '', 'base64');
	return [
		{
			route: ROUTE,
			wire: GATEWAY,
			accepted,
			request: async () => hashedRekord(),
			body: {
				...body,
				fields: [
					is(rekord, 'object'),
					is(`${rekord}.digest`, 'text', { base64: { ...PROTO, urlSafe: 'accepted' } }),
					is(`${rekord}.signature`, 'object'),
					is(`${rekord}.signature.content`, 'text', { base64: PROTO }),
					is(`${rekord}.signature.verifier`, 'object'),
					is(`${rekord}.signature.verifier.keyDetails`, 'text'),
					is(`${rekord}.signature.verifier.publicKey`, 'object'),
					is(`${rekord}.signature.verifier.publicKey.rawBytes`, 'text', { base64: PROTO, der: REFUSED }),
				],
			},
			own: writeCells(),
		},
		{
			route: ROUTE,
			variant: 'with a certificate',
			wire: GATEWAY,
			accepted,
			request: async () => hashedRekord({ key, spki: certificate, member: 'x509Certificate' }),
			body: {
				...body,
				fields: [
					is(`${rekord}.signature.verifier.x509Certificate`, 'object'),
					is(`${rekord}.signature.verifier.x509Certificate.rawBytes`, 'text', { der: REFUSED }),
				],
			},
			own: [
				{
					name: 'the certificate of another key',
					request: async () => hashedRekord({ spki: certificate, member: 'x509Certificate' }),
					expected: REFUSED,
				},
				{
					name: 'a certificate as key',
					request: async () => hashedRekord({ key, spki: certificate }),
					expected: REFUSED,
				},
				{
					name: 'PEM of the certificate',
					request: async () =>
						hashedRekord({ key, spki: Buffer.from(pemOf('CERTIFICATE', certificate)), member: 'x509Certificate' }),
					expected: REFUSED,
				},
			],
		},
		{
			route: ROUTE,
			variant: 'an envelope',
			wire: GATEWAY,
			accepted,
			request: async () => dsse(),
			body: {
				...body,
				fields: [
					is(envelope, 'object'),
					is(`${envelope}.envelope`, 'object'),
					is(`${envelope}.envelope.payload`, 'text'),
					is(`${envelope}.envelope.payloadType`, 'text'),
					is(`${envelope}.envelope.signatures`, 'array'),
					is(`${envelope}.envelope.signatures.0.sig`, 'text', { base64: PROTO }),
					is(`${envelope}.verifiers`, 'array'),
					is(`${envelope}.verifiers.0.publicKey.rawBytes`, 'text', { base64: PROTO, der: REFUSED }),
				],
			},
		},
	];
}

/** What a retry gets: the first answer again, and a header that says so. */
const REPEATED = {
	status: 201,
	type: 'application/json',
	look: ({ headers }: Answer) => expect(headers['x-chancery-duplicate']).toBe('true'),
};

function writeCells(): OwnCell[] {
	const over = (name: string, request: () => ProbeRequest, expected: Expected = REFUSED): OwnCell => ({
		name,
		request: async () => request(),
		expected,
	});
	const first = hashedRekord();
	const certified = freshKey();
	const both = () => {
		const [a, b] = [hashedRekord(), dsse()].map(({ body }) => JSON.parse(String(body)));
		return { ...a, ...b };
	};
	return [
		over('an entry', () => first, 'accepted'),
		over('the same entry again', () => first, REPEATED),
		over('both kinds at once', () => posted(both())),
		over('neither kind', () => posted({})),
		over('a member under both names', () =>
			posted({ ...JSON.parse(String(first.body)), hashed_rekord_request_v002: {} }),
		),
		over('a signature by another key', () => hashedRekord({ spki: spkiOf(freshKey()) })),
		over('another digest', () => hashedRekord({ digest: Buffer.alloc(32) })),
		over('a digest of 31 bytes', () => hashedRekord({ digest: Buffer.alloc(31) })),
		over('a digest of 100,000 bytes', () => hashedRekord({ digest: Buffer.alloc(100_000) })),
		...[
			'PKIX_ECDSA_P384_SHA_384',
			'PKIX_ED25519',
			'PKIX_ED25519_PH',
			'PKIX_RSA_PKCS1V15_2048_SHA256',
			'PUBLIC_KEY_DETAILS_UNSPECIFIED',
		].map((keyDetails) => over(`key details ${keyDetails}`, () => hashedRekord({ keyDetails }))),
		...[0, -1, 7, 99_999, 'surprise', '', '__proto__'].map((keyDetails) =>
			over(`key details ${JSON.stringify(keyDetails)}`, () => hashedRekord({ keyDetails })),
		),
		...Object.entries(hostileKeys()).map(([name, hostile]) =>
			over(
				`a key: ${name}`,
				() => hashedRekord({ key: signerOf(hostile), spki: hostile.spki, ...detailsOf(hostile) }),
				hostile.isLoggable ? 'accepted' : REFUSED,
			),
		),
		...Object.entries(hostileCertificates(spkiOf(certified))).map(([name, { der, isLoggable }]) =>
			over(
				`a certificate with ${name}`,
				() => hashedRekord({ key: certified, spki: der, member: 'x509Certificate' }),
				isLoggable ? 'accepted' : REFUSED,
			),
		),
		over('a key as certificate', () => hashedRekord({ member: 'x509Certificate' })),
	];
}

/** The name that fits the kind of key best. */
const detailsOf = ({ privateKey }: HostileKey) =>
	privateKey?.asymmetricKeyType === 'rsa' ? { keyDetails: 'PKIX_RSA_PKCS1V15_2048_SHA256' } : {};

interface RekordChange {
	readonly digest?: Uint8Array;
	readonly keyDetails?: unknown;
	readonly spki?: Uint8Array;
	readonly member?: string;
	readonly key?: KeyObject;
}

function hashedRekord(change: RekordChange = {}): ProbeRequest {
	const { key = freshKey() } = change;
	for (;;) {
		const artifact = crypto.getRandomValues(new Uint8Array(32));
		const digest = createHash('sha256').update(artifact).digest();
		// A digest that the two alphabets spell differently.
		if (!/[+/]/.test(digest.toString('base64'))) continue;
		const {
			digest: named = digest,
			keyDetails = 'PKIX_ECDSA_P256_SHA_256',
			spki = spkiOf(key),
			member = 'publicKey',
		} = change;
		const verifier = { [member]: { rawBytes: Buffer.from(spki).toString('base64') }, keyDetails };
		const content = tellingSignature(key, artifact).toString('base64');
		return posted({
			hashedRekordRequestV002: { digest: Buffer.from(named).toString('base64'), signature: { content, verifier } },
		});
	}
}

function dsse(): ProbeRequest {
	const key = freshKey();
	const payload = Buffer.from(crypto.getRandomValues(new Uint8Array(32)));
	const payloadType = 'application/vnd.in-toto+json';
	const message = Buffer.concat([Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} 32 `), payload]);
	const signatures = [{ sig: tellingSignature(key, message).toString('base64'), keyid: '' }];
	const verifiers = [
		{ publicKey: { rawBytes: spkiOf(key).toString('base64') }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
	];
	return posted({
		dsseRequestV002: { envelope: { payload: payload.toString('base64'), payloadType, signatures }, verifiers },
	});
}

function posted(body: object): ProbeRequest {
	return { method: 'POST', path: WRITE, headers: JSON_TYPE, body: JSON.stringify(body) };
}
