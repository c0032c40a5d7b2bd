/**
 * The entries for the signature log: requests as clients make them, each with a key and a signature of its own, and the leaf that the
 * log must make of it.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { SIGNATURE_IDENTIFIERS } from '@chancery/core/algorithm-registry';
import { OID_SUBJECT_ALT_NAME } from '@chancery/core/certificate';
import {
	encodeExtension,
	encodeName,
	encodePurpose,
	encodeSignedCertificate,
	encodeSigningUsage,
	encodeSubjectKeyId,
	encodeTbsCertificate,
	newSerialNumber,
} from '@chancery/core/certificate-encoding';
import { derContext, derSequence, ia5Content } from '@chancery/core/der';
import { preAuthEncode } from '@chancery/core/dsse';

export interface PreparedEntry {
	/** JSON text of the request. */
	readonly body: string;
	/** Text of the leaf that the log must make of it. */
	readonly leaf: string;
}

interface SigningKey {
	readonly privateKey: KeyObject;
	readonly spki: Buffer;
}

/** One key per entry: keyless signing does that, and a server that caches keys must not profit. */
function newKey(): SigningKey {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }) };
}

function pem(label: string, der: Uint8Array): string {
	const lines = Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
	return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64');
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();

/** The members of all texts below are in the order of canonical JSON, so that request and leaf can be compared. */
function hashedrekordV1(verifierPem: (key: SigningKey) => string): PreparedEntry {
	const key = newKey();
	const artifact = randomBytes(32);
	const body = JSON.stringify({
		apiVersion: '0.0.1',
		kind: 'hashedrekord',
		spec: {
			data: { hash: { algorithm: 'sha256', value: sha256(artifact).toString('hex') } },
			signature: {
				content: base64(sign('sha256', artifact, key.privateKey)),
				publicKey: { content: base64(verifierPem(key)) },
			},
		},
	});
	return { body, leaf: body };
}

const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** A provenance statement of a realistic size: about 1.2 kB. */
function statement(): Buffer {
	const commit = randomBytes(20).toString('hex');
	return Buffer.from(
		JSON.stringify({
			_type: 'https://in-toto.io/Statement/v1',
			subject: [{ name: 'pkg:generic/example', digest: { sha256: randomBytes(32).toString('hex') } }],
			predicateType: 'https://slsa.dev/provenance/v1',
			predicate: {
				buildDefinition: {
					buildType: 'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1',
					externalParameters: {
						workflow: {
							ref: 'refs/heads/main',
							repository: 'https://git.example/organisation/project',
							path: '.ci/workflows/release.yml',
						},
					},
					internalParameters: { event_name: 'push', repository_id: '123456789', repository_owner_id: '1234567' },
					resolvedDependencies: [
						{
							uri: 'git+https://git.example/organisation/project@refs/heads/main',
							digest: { gitCommit: commit },
						},
					],
				},
				runDetails: {
					builder: { id: 'https://git.example/organisation/project/.ci/workflows/release.yml@refs/heads/main' },
					metadata: { invocationId: `https://git.example/organisation/project/runs/${commit}/attempts/1` },
				},
			},
		}),
	);
}

function dsseV1(): PreparedEntry {
	const key = newKey();
	const payload = statement();
	const signature = base64(sign('sha256', preAuthEncode(PAYLOAD_TYPE, payload), key.privateKey));
	const envelope = JSON.stringify({
		payload: base64(payload),
		payloadType: PAYLOAD_TYPE,
		signatures: [{ sig: signature }],
	});
	const verifier = base64(pem('PUBLIC KEY', key.spki));
	const body = JSON.stringify({
		apiVersion: '0.0.1',
		kind: 'dsse',
		spec: { proposedContent: { envelope, verifiers: [verifier] } },
	});
	const leaf = JSON.stringify({
		apiVersion: '0.0.1',
		kind: 'dsse',
		spec: {
			envelopeHash: { algorithm: 'sha256', value: sha256(Buffer.from(envelope)).toString('hex') },
			payloadHash: { algorithm: 'sha256', value: sha256(payload).toString('hex') },
			signatures: [{ signature, verifier }],
		},
	});
	return { body, leaf };
}

const KEY_DETAILS = 'PKIX_ECDSA_P256_SHA_256';

function hashedrekordV2Leaf(digest: Uint8Array, signature: string, spki: Uint8Array): string {
	return JSON.stringify({
		apiVersion: '0.0.2',
		kind: 'hashedrekord',
		spec: {
			hashedRekordV002: {
				data: { algorithm: 'SHA2_256', digest: base64(digest) },
				signature: {
					content: signature,
					verifier: { keyDetails: KEY_DETAILS, publicKey: { rawBytes: base64(spki) } },
				},
			},
		},
	});
}

function hashedrekordV2(): PreparedEntry {
	const key = newKey();
	const artifact = randomBytes(32);
	const digest = sha256(artifact);
	const signature = base64(sign('sha256', artifact, key.privateKey));
	const verifier = { publicKey: { rawBytes: base64(key.spki) }, keyDetails: KEY_DETAILS };
	return {
		body: JSON.stringify({
			hashedRekordRequestV002: { digest: base64(digest), signature: { content: signature, verifier } },
		}),
		leaf: hashedrekordV2Leaf(digest, signature, key.spki),
	};
}

function dsseV2(): PreparedEntry {
	const key = newKey();
	const payload = statement();
	const encoded = preAuthEncode(PAYLOAD_TYPE, payload);
	const signature = base64(sign('sha256', encoded, key.privateKey));
	const verifier = { keyDetails: KEY_DETAILS, publicKey: { rawBytes: base64(key.spki) } };
	return {
		body: JSON.stringify({
			dsseRequestV002: {
				envelope: { payload: base64(payload), payloadType: PAYLOAD_TYPE, signatures: [{ sig: signature, keyid: '' }] },
				verifiers: [verifier],
			},
		}),
		// A v2 log has one kind: of an envelope it logs the digest of the signed bytes.
		leaf: hashedrekordV2Leaf(sha256(encoded), signature, key.spki),
	};
}

let issuer: { readonly key: SigningKey; readonly name: Uint8Array } | undefined;

/** A certificate as keyless clients get it: ten minutes, an identity, an issuer; but without SCTs. */
function keylessCertificate(key: SigningKey): string {
	issuer ??= { key: newKey(), name: encodeName('example', 'example intermediate') };
	const now = Date.now();
	const email = ia5Content(`person-${randomBytes(4).toString('hex')}@organisation.example`);
	const signatureIdentifier = SIGNATURE_IDENTIFIERS['ecdsa-sha2-256-nistp256'];
	const tbs = encodeTbsCertificate({
		serial: newSerialNumber(randomBytes),
		signatureIdentifier,
		issuer: issuer.name,
		subject: derSequence(),
		notBefore: new Date(now),
		notAfter: new Date(now + 600_000),
		publicKey: key.spki,
		extensions: [
			encodeSigningUsage(),
			encodePurpose('1.3.6.1.5.5.7.3.3', false),
			encodeSubjectKeyId(key.spki),
			encodeExtension(OID_SUBJECT_ALT_NAME, true, derSequence(derContext(1, { constructed: false }, email))),
			encodeExtension('1.3.6.1.4.1.57264.1.1', false, Buffer.from('https://accounts.example')),
		],
	});
	const signature = sign('sha256', tbs, issuer.key.privateKey);
	return pem('CERTIFICATE', encodeSignedCertificate(tbs, signatureIdentifier, signature));
}

export const LOG_ENTRIES = {
	'v1-hashedrekord': () => hashedrekordV1((key) => pem('PUBLIC KEY', key.spki)),
	'v1-dsse': dsseV1,
	'v2-hashedrekord': hashedrekordV2,
	'v2-dsse': dsseV2,
	'v1-hashedrekord-certificate': () => hashedrekordV1(keylessCertificate),
} as const satisfies Record<string, () => PreparedEntry>;
