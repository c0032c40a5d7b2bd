/**
 * For each public route that does more than look something up: the most expensive request that it accepts, or that it must process
 * before it refuses. Where a schema sets a bound, the request has that size.
 */
import {
	createHash,
	createPrivateKey,
	generateKeyPairSync,
	type KeyObject,
	randomBytes,
	sign,
	X509Certificate,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8 } from '@chancery/core/bytes';
import { parseCertificate } from '@chancery/core/certificate';
import { encodePem, parsePem } from '@chancery/core/pem';
import { ballast, certificate, IS_CA, longNameOf, nameOf, POISON, spkiOf } from './certificates.ts';

export interface CostlyRequest {
	/** Route, and what is costly about the request. */
	readonly name: string;
	readonly url: string;
	readonly method: 'GET' | 'POST';
	readonly headers?: Readonly<Record<string, string>>;
	/** Makes a new request each time, so that none is a repeat; not measured. */
	readonly body?: () => string | Uint8Array;
	readonly status: number;
}

export interface Instance {
	readonly data: string;
	readonly services: Readonly<Record<string, string>>;
	readonly token: () => Promise<string>;
}

const IN_TOTO = 'application/vnd.in-toto+json';
const json = { 'content-type': 'application/json' };
const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });
const rsa = (modulusLength: number, publicExponent = 65_537) =>
	generateKeyPairSync('rsa', { modulusLength, publicExponent });
type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** Requests of all services. Also fills the CT log with this many large entries. */
export async function costlyRequests(instance: Instance): Promise<CostlyRequest[]> {
	return [
		...(await ctlogRequests(instance)),
		...logRequests(instance),
		...(await caRequests(instance)),
		...tsaRequests(instance),
		...(await readRequests(instance)),
	];
}

async function ctlogRequests({ data, services }: Instance): Promise<CostlyRequest[]> {
	const issuingKey = createPrivateKey(readFileSync(join(data, 'keys/ca-issuing.pem')));
	const chain = await caChain(services.ca ?? '');
	const [issuing] = chain;
	const holder = ec('P-256').publicKey;
	const leaf = (bytes: number) =>
		certificate({
			issuer: parseCertificate(issuing!).subject,
			subject: nameOf('leaf'),
			key: issuingKey,
			holder,
			extensions: [POISON, ballast(bytes)],
		});
	const chainBody = (ders: readonly Uint8Array[]) => JSON.stringify({ chain: ders.map(base64) });
	const add = async (bytes: number) =>
		fetch(`${services.ctlog}/ct/v1/add-pre-chain`, {
			method: 'POST',
			headers: json,
			body: chainBody([leaf(bytes), ...chain]),
		});
	// As many as one get-entries answer carries.
	for (let i = 0; i < 160; i++) await add(80_000);
	const links = strangersChain(rsa(4096), 9);
	const url = `${services.ctlog}/ct/v1`;
	const { tree_size: size } = (await (await fetch(`${url}/get-sth`)).json()) as { tree_size: number };
	const post = (name: string, path: string, body: () => string, status: number): CostlyRequest => ({
		name: `ctlog POST ${path}: ${name}`,
		url: url + path,
		method: 'POST',
		headers: json,
		body,
		status,
	});
	return [
		post('90 kB that are logged', '/add-pre-chain', () => chainBody([leaf(90_000), ...chain]), 200),
		post('ten certificates of a stranger, RSA-4096', '/add-chain', () => chainBody(links), 400),
		post('the same before our root', '/add-chain', () => chainBody([...links.slice(0, 9), chain.at(-1)!]), 400),
		post(
			'30 kB of tiny extensions',
			'/add-pre-chain',
			() => chainBody([manyExtensions(issuingKey, issuing!, holder), ...chain]),
			400,
		),
		{ name: 'ctlog GET get-entries: 12 MiB', url: `${url}/get-entries?start=0&end=9999`, method: 'GET', status: 200 },
		{
			name: 'ctlog GET get-entry-and-proof',
			url: `${url}/get-entry-and-proof?leaf_index=1&tree_size=${size}`,
			method: 'GET',
			status: 200,
		},
		{
			name: 'ctlog GET get-sth-consistency',
			url: `${url}/get-sth-consistency?first=3&second=${size}`,
			method: 'GET',
			status: 200,
		},
		{
			name: 'ctlog GET tile/data: a partial tile of large entries',
			url: `${services.ctlog}/tile/data/000.p/${size}`,
			method: 'GET',
			status: 200,
		},
		{ name: 'ctlog GET get-roots', url: `${url}/get-roots`, method: 'GET', status: 200 },
	];
}

function manyExtensions(key: KeyObject, issuing: Uint8Array, holder: KeyObject): Uint8Array {
	const tiny = Array.from({ length: 2_000 }, (_, i) => extensionOf(i));
	return certificate({
		issuer: parseCertificate(issuing).subject,
		subject: nameOf('leaf'),
		key,
		holder,
		extensions: [POISON, ...tiny],
	});
}

/** One with an identifier of its own: no two may have the same. */
function extensionOf(i: number): Uint8Array {
	return Uint8Array.of(0x30, 0x09, 0x06, 0x04, 0x2a, 0x03, 0x80 | (1 + (i >> 7)), i & 0x7f, 0x04, 0x01, 0x00);
}

/** Leaf first; each issued by the next, all under one key. */
function strangersChain(pair: Pair, issuers: number, leafPair: Pair = pair, name = nameOf): Uint8Array[] {
	const names = Array.from({ length: issuers + 2 }, (_, i) => name(`stranger ${i}`));
	return Array.from({ length: issuers + 1 }, (_, i) =>
		certificate({
			subject: names[i]!,
			issuer: names[i + 1]!,
			key: pair.privateKey,
			holder: i === 0 ? leafPair.publicKey : pair.publicKey,
			extensions: IS_CA,
		}),
	);
}

function logRequests({ services }: Instance): CostlyRequest[] {
	const v1 = `${services.log}/api/v1/log/entries`;
	const v2 = `${services.log2}/api/v2/log/entries`;
	const chainPem = (ders: readonly Uint8Array[]) => utf8(ders.map((der) => encodePem('CERTIFICATE', der)).join(''));
	const keyPem = (pair: Pair) => utf8(encodePem('PUBLIC KEY', spkiOf(pair.publicKey)));
	const p521 = Array.from({ length: 10 }, () => ec('P-521'));
	const longChain = chainPem(strangersChain(ec('P-521'), 9, p521[0]));
	// A longer one is refused without being parsed.
	const longestChain = chainPem(strangersChain(ec('P-521'), 9, p521[0], longNameOf));
	const envelope = (
		payload: Buffer,
		signers: readonly Pair[],
		hash: string,
		payloadType = 'application/octet-stream',
	) => {
		const signed = Buffer.concat([
			Buffer.from(`DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `),
			payload,
		]);
		const signatures = signers.map(({ privateKey }) => ({ sig: base64(sign(hash, signed, privateKey)), keyid: '' }));
		return { payload: base64(payload), payloadType, signatures };
	};
	const dsseV1 =
		(content: number | Buffer, verifiers: readonly Uint8Array[], signers: readonly Pair[], type?: string) => () => {
			const payload = typeof content === 'number' ? randomBytes(content) : content;
			const proposedContent = {
				envelope: JSON.stringify(envelope(payload, signers, 'sha256', type)),
				verifiers: verifiers.map(base64),
			};
			return JSON.stringify({ apiVersion: '0.0.1', kind: 'dsse', spec: { proposedContent } });
		};
	const reversed = [...p521].reverse();
	const chains = p521.map((pair) => chainPem(strangersChain(ec('P-521'), 9, pair)));
	const hashedrekord = (key = longChain) => {
		const data = randomBytes(64);
		const digest = createHash('sha512').update(data).digest('hex');
		return {
			apiVersion: '0.0.1',
			kind: 'hashedrekord',
			spec: {
				data: { hash: { algorithm: 'sha512', value: digest } },
				signature: {
					content: base64(sign('sha512', data, p521[0]!.privateKey)),
					publicKey: { content: base64(key) },
				},
			},
		};
	};
	const post = (name: string, url: string, body: () => string, status: number): CostlyRequest => ({
		name,
		url,
		method: 'POST',
		headers: json,
		body,
		status,
	});
	const v2Verifier = (pair: Pair) => ({
		publicKey: { rawBytes: base64(spkiOf(pair.publicKey)) },
		keyDetails: 'PKIX_ECDSA_P521_SHA_512',
	});
	const dsseV2 = (payloadBytes: number, pair: Pair) => () =>
		JSON.stringify({
			dsseRequestV002: {
				envelope: envelope(randomBytes(payloadBytes), [pair], 'sha512'),
				verifiers: [v2Verifier(pair)],
			},
		});
	return [
		post('log v1 POST entries: hashedrekord, ten certificates on P-521', v1, () => JSON.stringify(hashedrekord()), 201),
		post(
			'log v1 POST entries: dsse, ten signatures on P-521 in the worst order',
			v1,
			dsseV1(1_000, p521.map(keyPem), reversed),
			201,
		),
		post(
			'log v1 POST entries: dsse, ten chains of ten certificates on P-521, too large in the end',
			v1,
			dsseV1(1_000, chains, reversed),
			400,
		),
		post(
			'log v1 POST entries: dsse of 14 MB, one signature',
			v1,
			dsseV1(11_000_000, [keyPem(p521[0]!)], [p521[0]!]),
			201,
		),
		post(
			'log v1 POST entries: dsse of 1.4 MB, ten signatures in the worst order',
			v1,
			dsseV1(1_040_000, p521.map(keyPem), reversed),
			201,
		),
		post(
			'log v1 POST retrieve: ten proposals with ten certificates on P-521',
			`${v1}/retrieve`,
			() => JSON.stringify({ entries: Array.from({ length: 10 }, () => hashedrekord()) }),
			200,
		),
		post(
			'log v1 POST retrieve: the same with the longest certificates that are read, all names',
			`${v1}/retrieve`,
			() => JSON.stringify({ entries: Array.from({ length: 10 }, () => hashedrekord(longestChain)) }),
			200,
		),
		post('log v1 POST entries: 20 MB of empty objects', v1, () => `[${'{},'.repeat(6_900_000)}0]`, 400),
		post('log v1 POST entries: 8,000 members that nobody knows', v1, () => junk(8_000, {}), 422),
		post(
			'log v1 POST index: 8,000 members that nobody knows',
			`${services.log}/api/v1/index/retrieve`,
			() => junk(8_000, { hash: '0'.repeat(64) }),
			200,
		),
		post(
			'log v1 POST entries: dsse with a statement of 160,000 empty objects',
			v1,
			dsseV1(Buffer.from(`{"predicate":[${'{},'.repeat(160_000)}0]}`), [keyPem(p521[0]!)], [p521[0]!], IN_TOTO),
			201,
		),
		post('log v2 POST entries: dsse of 4 MB, P-521', v2, dsseV2(2_900_000, p521[0]!), 201),
	];
}

/** As many members as the limit on structure allows, all with different names. */
function junk(members: number, message: object): string {
	const unknown = Array.from({ length: members }, (_, i) => [`k${i.toString(36)}`, 0] as const);
	return JSON.stringify({ ...message, ...Object.fromEntries(unknown) });
}

async function caRequests({ services, token }: Instance): Promise<CostlyRequest[]> {
	const identityToken = await token();
	const pair = rsa(4096);
	const subject = JSON.parse(String(Buffer.from(identityToken.split('.')[1] ?? '', 'base64url'))) as { email: string };
	const body = JSON.stringify({
		credentials: { oidcIdentityToken: identityToken },
		publicKeyRequest: {
			publicKey: { algorithm: 'RSA_PSS', content: encodePem('PUBLIC KEY', spkiOf(pair.publicKey)) },
			proofOfPossession: base64(sign('sha256', Buffer.from(subject.email), pair.privateKey)),
		},
	});
	const v2 = `${services.ca}/api/v2/signingCert`;
	return [
		{
			name: 'ca POST signingCert: a key of RSA-4096',
			url: v2,
			method: 'POST',
			headers: json,
			body: () => body,
			status: 200,
		},
		{
			name: 'ca POST signingCert: 8,000 members that nobody knows, no token',
			url: v2,
			method: 'POST',
			headers: json,
			body: () => junk(8_000, {}),
			status: 400,
		},
		{ name: 'ca GET trustBundle', url: `${services.ca}/api/v2/trustBundle`, method: 'GET', status: 200 },
	];
}

function tsaRequests({ services }: Instance): CostlyRequest[] {
	const body = () =>
		JSON.stringify({
			artifactHash: createHash('sha512').update(randomBytes(8)).digest('base64'),
			hashAlgorithm: 'sha512',
			certificates: true,
			nonce: Number.MAX_SAFE_INTEGER,
		});
	const url = `${services.tsa}/api/v1/timestamp`;
	return [{ name: 'tsa POST timestamp: with certificates', url, method: 'POST', headers: json, body, status: 200 }];
}

async function readRequests({ services }: Instance): Promise<CostlyRequest[]> {
	const get = (name: string, url: string): CostlyRequest => ({ name, url, method: 'GET', status: 200 });
	return [
		get('log v1 GET log', `${services.log}/api/v1/log`),
		get('log v1 GET entries by index', `${services.log}/api/v1/log/entries?logIndex=0`),
		get('log v1 GET public key', `${services.log}/api/v1/log/publicKey`),
		get('log v2 GET checkpoint', `${services.log2}/api/v2/checkpoint`),
		get('tuf GET root.json', `${services.tuf}/1.root.json`),
		get('tuf GET timestamp.json', `${services.tuf}/timestamp.json`),
		get('identity GET discovery', `${services.identity}/auth/.well-known/openid-configuration`),
		get('identity GET keys', `${services.identity}/auth/keys`),
		{
			...get(
				'identity GET authorization',
				`${services.identity}/auth/auth?client_id=sigstore&response_type=code&scope=openid%20email&redirect_uri=http%3A%2F%2Flocalhost%2Fauth%2Fcallback&code_challenge=${'a'.repeat(43)}&code_challenge_method=S256&nonce=n&state=s`,
			),
			status: 303,
		},
	];
}

async function caChain(ca: string): Promise<Uint8Array[]> {
	const { chains } = (await (await fetch(`${ca}/api/v2/trustBundle`)).json()) as {
		chains: { certificates: string[] }[];
	};
	const ders = (chains[0]?.certificates ?? []).map((pem) => parsePem(pem)[0]!.der);
	return ders.filter((der) => new X509Certificate(der).ca);
}
