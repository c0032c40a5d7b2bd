/**
 * A whole keyless signing authority in memory: CA, certificate log, two signature logs and a timestamp authority, and a
 * signer that makes bundles with them. Everything a test wants wrong can be made wrong.
 */
import { createHash } from 'node:crypto';
import { toBase64, utf8 } from '@chancery/core/bytes';
import { preAuthEncode } from '@chancery/core/dsse';
import type { HashAlgorithm } from '@chancery/core/sha';
import {
	basicConstraints,
	CODE_SIGNING,
	extendedKeyUsage,
	keyUsage,
	TIME_STAMPING,
} from '@chancery/testkit/certificate';
import type { BundleJson } from '@chancery/wire/bundle';
import type { TrustedRootJson } from '@chancery/wire/trusted-root';
import type { Artifact } from '../src/artifact.ts';
import type { Policy } from '../src/policy.ts';
import { openTrustedRoot } from '../src/trust-material.ts';
import { type VerificationEvidence, verifyBundle } from '../src/verify-bundle.ts';
import {
	type CertificateRecipe,
	emailName,
	issueCertificate,
	issuerV2,
	type SctRecipe,
	sha256,
	subjectAltName,
	withScts,
} from './certificates.ts';
import { testCrypto } from './crypto-port.ts';
import { hashOf, type KeyKind, makeKey, signWith, type TestKey } from './keys.ts';
import { type Kind, logBody } from './log-bodies.ts';
import { type RecordOptions, SignatureLog } from './signature-log.ts';
import { makeTimestamp, type TimestampRecipe } from './timestamp-token.ts';

/** The moment of every signature, unless a test says otherwise. */
export const SIGNED_AT = new Date('2026-03-01T12:00:00Z');
export const EMAIL = 'alice@corp.example';
export const ISSUER = 'https://idp.corp.example';
export const ARTIFACT = utf8('the artifact\n');
export const IN_TOTO = 'application/vnd.in-toto+json';
export const TSA_URI = 'https://tsa.test/api/v1/timestamp';

const START = '2026-01-01T00:00:00Z';
const MEDIA_TYPES = {
	'0.1': 'application/vnd.dev.sigstore.bundle+json;version=0.1',
	'0.2': 'application/vnd.dev.sigstore.bundle+json;version=0.2',
	'0.3': 'application/vnd.dev.sigstore.bundle.v0.3+json',
} as const;
const KEY_DETAILS: Readonly<Record<KeyKind, string>> = {
	p256: 'PKIX_ECDSA_P256_SHA_256',
	p384: 'PKIX_ECDSA_P384_SHA_384',
	p521: 'PKIX_ECDSA_P521_SHA_512',
	ed25519: 'PKIX_ED25519',
	rsa2048: 'PKIX_RSA_PKCS1V15_2048_SHA256',
	rsa1024: 'PKIX_RSA_PKCS1V15_1024_SHA256',
};

export const minutes = (n: number, from: Date = SIGNED_AT) => new Date(from.getTime() + n * 60_000);
const years = (n: number) => new Date(SIGNED_AT.getTime() + n * 365 * 86_400_000);

export interface SignOptions {
	readonly version?: keyof typeof MEDIA_TYPES;
	/** By default hashedrekord 0.0.2, or 0.0.1 for versions below 0.3. */
	readonly kind?: Kind;
	readonly key?: TestKey;
	/** A bare key signs, named by this hint. */
	readonly hint?: string;
	readonly artifact?: Uint8Array;
	/** OpenSSL name; by default what belongs to the key. */
	readonly hash?: 'sha256' | 'sha384' | 'sha512';
	/** Signed as a DSSE envelope; `true` is a statement about the artifact. */
	readonly payload?: true | string;
	readonly payloadType?: string;
	readonly leaf?: (recipe: CertificateRecipe) => CertificateRecipe;
	readonly scts?: (sct: SctRecipe) => readonly SctRecipe[];
	/** `null` makes none. By default there is one beside a v2 entry. */
	readonly timestamp?: null | ((recipe: TimestampRecipe) => TimestampRecipe);
	/** `null` makes no promise. */
	readonly integratedTime?: null | number;
	readonly record?: RecordOptions;
}

export class IssuingAuthority {
	readonly rootKey = makeKey('p384');
	readonly issuingKey = makeKey();
	readonly tsaKey = makeKey();
	readonly ctKey = makeKey();
	readonly v1 = new SignatureLog('v1', 'rekor.test');
	readonly v2 = new SignatureLog('v2', 'log2.test');
	readonly root: Uint8Array;
	readonly issuing: Uint8Array;
	readonly tsa: Uint8Array;
	/** JSON value of the trusted root; a test changes its own copy. */
	readonly trustedRoot: TrustedRootJson;

	constructor() {
		this.root = issueCertificate(this.caRecipe({ subject: 'root', publicKey: this.rootKey.spki }));
		this.issuing = issueCertificate(this.caRecipe({ extensions: [basicConstraints(true, 0), keyUsage(5)] }));
		this.tsa = issueCertificate(this.tsaRecipe({}));
		const period = { start: START };
		const authority = (uri: string, ...chain: readonly Uint8Array[]) => ({
			uri,
			certChain: { certificates: chain.map((der) => ({ rawBytes: toBase64(der) })) },
			validFor: period,
		});
		this.trustedRoot = {
			mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
			tlogs: [this.v1.trusted(period), this.v2.trusted(period)],
			certificateAuthorities: [authority('https://ca.test', this.issuing, this.root)],
			ctlogs: [
				{
					...this.v1.trusted(period),
					baseUrl: 'https://ct.test',
					publicKey: { rawBytes: toBase64(this.ctKey.spki), keyDetails: KEY_DETAILS.p256, validFor: period },
					logId: { keyId: toBase64(sha256(this.ctKey.spki)) },
				},
			],
			timestampAuthorities: [authority(TSA_URI, this.tsa, this.root)],
		};
	}

	/** The issuing CA, unless changed. */
	caRecipe(changes: Partial<CertificateRecipe>): CertificateRecipe {
		return {
			subject: 'issuing',
			issuer: 'root',
			publicKey: this.issuingKey.spki,
			signer: this.rootKey,
			notBefore: years(-1),
			notAfter: years(5),
			extensions: [basicConstraints(true), keyUsage(5)],
			...changes,
		};
	}

	tsaRecipe(changes: Partial<CertificateRecipe>): CertificateRecipe {
		return this.caRecipe({
			subject: 'tsa',
			publicKey: this.tsaKey.spki,
			extensions: [keyUsage(0), extendedKeyUsage([TIME_STAMPING], true)],
			serial: 77,
			...changes,
		});
	}

	leafRecipe(publicKey: Uint8Array): CertificateRecipe {
		return {
			subject: '',
			issuer: 'issuing',
			publicKey,
			signer: this.issuingKey,
			notBefore: minutes(-1),
			notAfter: minutes(9),
			extensions: [keyUsage(0), extendedKeyUsage([CODE_SIGNING]), subjectAltName(emailName(EMAIL)), issuerV2(ISSUER)],
		};
	}

	issueLeaf(publicKey: Uint8Array, { leaf = (recipe) => recipe, scts = (sct) => [sct] }: SignOptions = {}): Uint8Array {
		const recipe = leaf(this.leafRecipe(publicKey));
		const list = scts({ log: this.ctKey, issuerKey: this.issuingKey.spki, timeMs: SIGNED_AT.getTime() - 5_000 });
		return issueCertificate(list.length === 0 ? recipe : withScts(recipe, list));
	}

	timestampRecipe(data: Uint8Array): TimestampRecipe {
		const signer = { key: this.tsaKey, certificate: this.tsa, issuer: 'root', serial: 77 };
		return { data, genTime: SIGNED_AT, embedded: [this.tsa], ...signer };
	}

	async sign(options: SignOptions = {}): Promise<BundleJson> {
		const { version = '0.3', key = makeKey(), artifact = ARTIFACT, payloadType = IN_TOTO } = options;
		const isEnvelope = options.payload !== undefined;
		const kind =
			options.kind ?? (version === '0.3' ? 'hashedrekord/0.0.2' : isEnvelope ? 'dsse/0.0.1' : 'hashedrekord/0.0.1');
		const isV2 = kind === 'hashedrekord/0.0.2' || kind === 'dsse/0.0.2';
		const hash = options.hash ?? hashOf(key.kind);

		const content = isEnvelope
			? utf8(options.payload === true ? statementAbout(artifact) : (options.payload ?? ''))
			: artifact;
		const signature = signWith(key, isEnvelope ? preAuthEncode(payloadType, content) : content, hash);
		const certificate = options.hint === undefined ? this.issueLeaf(key.spki, options) : undefined;

		const body = logBody(kind, {
			hash,
			signature,
			content,
			payloadType,
			isEnvelope,
			verifier: certificate ? { kind: 'certificate', der: certificate } : { kind: 'publicKey', der: key.spki },
			keyDetails: KEY_DETAILS[key.kind],
		});
		const integratedTime =
			options.integratedTime === undefined ? (isV2 ? null : SIGNED_AT.getTime() / 1000) : options.integratedTime;
		const [name = '', apiVersion = ''] = kind.split('/');
		const entry = await (isV2 ? this.v2 : this.v1).record({ kind: name, version: apiVersion }, body, {
			integratedTime: integratedTime ?? undefined,
			...options.record,
		});
		const stamp = options.timestamp === undefined ? (isV2 ? (same: TimestampRecipe) => same : null) : options.timestamp;
		const rfc3161Timestamps = stamp
			? [{ signedTimestamp: toBase64(makeTimestamp(stamp(this.timestampRecipe(signature)))) }]
			: [];
		return {
			mediaType: MEDIA_TYPES[version],
			verificationMaterial: {
				...(certificate ? certificateMember(certificate, version) : { publicKey: { hint: options.hint } }),
				tlogEntries: [entry],
				timestampVerificationData: { rfc3161Timestamps },
			},
			...(isEnvelope
				? {
						dsseEnvelope: {
							payload: toBase64(content),
							payloadType,
							signatures: [{ sig: toBase64(signature), keyid: '' }],
						},
					}
				: {
						messageSignature: {
							messageDigest: { algorithm: hash.replace('sha', 'SHA2_'), digest: toBase64(digestOf(hash, artifact)) },
							signature: toBase64(signature),
						},
					}),
		};
	}

	/** Verifies with the policy of the usual signer, the usual artifact and this authority's trusted root. */
	async verify(
		bundle: unknown,
		changes: { artifact?: Artifact; policy?: Policy; trustedRoot?: unknown } = {},
	): Promise<VerificationEvidence> {
		return verifyBundle({
			bundle,
			trust: openTrustedRoot(changes.trustedRoot ?? this.trustedRoot),
			artifact: changes.artifact ?? { bytes: ARTIFACT },
			policy: changes.policy ?? ALICE,
			crypto: testCrypto,
		});
	}
}

export const ALICE: Policy = {
	kind: 'identities',
	anyOf: [{ subject: { exactly: EMAIL }, issuer: { exactly: ISSUER } }],
};

export function statementAbout(artifact: Uint8Array, changes: object = {}): string {
	return JSON.stringify({
		_type: 'https://in-toto.io/Statement/v1',
		subject: [{ name: 'artifact', digest: { sha256: sha256(artifact).toHex() } }],
		predicateType: 'https://test/predicate',
		predicate: {},
		...changes,
	});
}

export function sha2(hash: HashAlgorithm, bytes: Uint8Array): Uint8Array {
	return digestOf(hash.replace('SHA2_', 'sha'), bytes);
}

/** A copy of a JSON value that a test may change. */
export function copyOf<T>(value: T): T {
	return structuredClone(value);
}

function certificateMember(der: Uint8Array, version: keyof typeof MEDIA_TYPES) {
	const certificate = { rawBytes: toBase64(der) };
	return version === '0.3' ? { certificate } : { x509CertificateChain: { certificates: [certificate] } };
}

function digestOf(hash: string, bytes: Uint8Array): Uint8Array {
	return new Uint8Array(createHash(hash).update(bytes).digest());
}
