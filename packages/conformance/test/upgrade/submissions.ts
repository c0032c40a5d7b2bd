/**
 * What is written to the logs: valid submissions in any number, each with a key of its own as keyless signing has it,
 * about texts that follow from the seed. Signatures are ECDSA and therefore other ones each time; what is sent twice is kept.
 */
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseCertificate } from '@chancery/core/certificate';
import {
	encodeExtension,
	encodePurpose,
	encodeSignedCertificate,
	encodeTbsCertificate,
} from '@chancery/core/certificate-encoding';
import { derNull, derOid, derSequence } from '@chancery/core/der';

export type Kind = 'v1-hashedrekord' | 'v1-dsse' | 'v2-hashedrekord' | 'v2-dsse' | 'precertificate' | 'certificate';

export interface Submission {
	readonly kind: Kind;
	readonly service: 'log' | 'log2' | 'ctlog';
	readonly path: string;
	/** JSON text. */
	readonly body: string;
}

/** Makes the submission with this number. */
export type MakeSubmission = (kind: Kind, number: number) => Submission;

interface SigningKey {
	readonly privateKey: KeyObject;
	/** DER. */
	readonly spki: Buffer;
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const KEY_DETAILS = 'PKIX_ECDSA_P256_SHA_256';
const ECDSA_SHA256 = derSequence(derOid('1.2.840.10045.4.3.2'));
const CODE_SIGNING = encodePurpose('1.3.6.1.5.5.7.3.3', false);
/** RFC 6962 section 3.1. */
const POISON = encodeExtension('1.3.6.1.4.1.11129.2.4.3', true, derNull());
const VALID_MS = 600_000;

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest();

/**
 * @param seed decides the texts
 * @param dataFolder of the instance, whose issuing key signs the certificates: the CT log takes no others
 */
export async function openSubmissions(seed: string, dataFolder: string): Promise<MakeSubmission> {
	const issue = await openIssuer(join(dataFolder, 'keys'));
	const makers: Record<Kind, (text: string) => Omit<Submission, 'kind'>> = {
		'v1-hashedrekord': hashedrekordV1,
		'v1-dsse': dsseV1,
		'v2-hashedrekord': hashedrekordV2,
		'v2-dsse': dsseV2,
		precertificate: (text) => chain('/ct/v1/add-pre-chain', issue(text, [CODE_SIGNING, POISON])),
		certificate: (text) => chain('/ct/v1/add-chain', issue(text, [CODE_SIGNING])),
	};
	return (kind, number) => ({ kind, ...makers[kind](`${seed} ${kind} ${number}`) });
}

function newKey(): SigningKey {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
}

/** Base64 of the PEM, as the v1 wire has keys. */
function pemOf({ spki }: SigningKey): string {
	const lines = base64(spki).replace(/.{64}/g, '$&\n').trimEnd();
	return base64(`-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----\n`);
}

const toV1 = (entry: object) => ({ service: 'log', path: '/api/v1/log/entries', body: JSON.stringify(entry) }) as const;
const toV2 = (entry: object) =>
	({ service: 'log2', path: '/api/v2/log/entries', body: JSON.stringify(entry) }) as const;
const chain = (path: string, certificates: readonly string[]) =>
	({ service: 'ctlog', path, body: JSON.stringify({ chain: certificates }) }) as const;

function hashedrekordV1(text: string) {
	const key = newKey();
	const content = base64(sign('sha256', Buffer.from(text), key.privateKey));
	const data = { hash: { algorithm: 'sha256', value: sha256(text).toString('hex') } };
	const spec = { data, signature: { content, publicKey: { content: pemOf(key) } } };
	return toV1({ apiVersion: '0.0.1', kind: 'hashedrekord', spec });
}

function dsseV1(text: string) {
	const key = newKey();
	const { payload, sig } = signedStatement(text, key);
	const envelope = JSON.stringify({ payload, payloadType: PAYLOAD_TYPE, signatures: [{ sig }] });
	const spec = { proposedContent: { envelope, verifiers: [pemOf(key)] } };
	return toV1({ apiVersion: '0.0.1', kind: 'dsse', spec });
}

function hashedrekordV2(text: string) {
	const key = newKey();
	const content = base64(sign('sha256', Buffer.from(text), key.privateKey));
	const signature = { content, verifier: verifierOf(key) };
	return toV2({ hashedRekordRequestV002: { digest: base64(sha256(text)), signature } });
}

function dsseV2(text: string) {
	const key = newKey();
	const { payload, sig } = signedStatement(text, key);
	const envelope = { payload, payloadType: PAYLOAD_TYPE, signatures: [{ sig, keyid: '' }] };
	return toV2({ dsseRequestV002: { envelope, verifiers: [verifierOf(key)] } });
}

const verifierOf = ({ spki }: SigningKey) => ({ publicKey: { rawBytes: base64(spki) }, keyDetails: KEY_DETAILS });

/** An in-toto statement about the text, signed over its DSSE pre-authentication encoding. Both base64. */
function signedStatement(text: string, { privateKey }: SigningKey): { payload: string; sig: string } {
	const payload = Buffer.from(
		JSON.stringify({
			_type: 'https://in-toto.io/Statement/v1',
			subject: [{ name: text, digest: { sha256: sha256(text).toString('hex') } }],
			predicateType: 'https://slsa.dev/provenance/v1',
			predicate: {},
		}),
	);
	const encoded = `DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} ${payload}`;
	return { payload: base64(payload), sig: base64(sign('sha256', Buffer.from(encoded), privateKey)) };
}

type Issue = (text: string, extensions: readonly Uint8Array[]) => string[];

/** Issues below the CA of the instance. @returns certificates of a chain, base64 DER, without the root */
async function openIssuer(keys: string): Promise<Issue> {
	const issuingKey = createPrivateKey(await readFile(join(keys, 'ca-issuing.pem')));
	// The first certificate of the file is the issuing one.
	const issuing = new X509Certificate(await readFile(join(keys, 'ca-chain.pem'))).raw;
	const { subject: issuer } = parseCertificate(issuing);
	const { spki } = newKey();
	return (text, extensions) => {
		const now = Date.now();
		const tbs = encodeTbsCertificate({
			// Positive, and without a leading zero octet.
			serial: Uint8Array.of(1, ...sha256(text).subarray(0, 15)),
			signatureIdentifier: ECDSA_SHA256,
			issuer,
			subject: derSequence(),
			notBefore: new Date(now),
			notAfter: new Date(now + VALID_MS),
			publicKey: spki,
			extensions,
		});
		const der = encodeSignedCertificate(tbs, ECDSA_SHA256, sign('sha256', tbs, issuingKey));
		return [base64(der), base64(issuing)];
	};
}
