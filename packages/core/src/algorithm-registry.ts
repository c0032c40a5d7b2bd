/**
 * Which hash belongs to which key: Sigstore's algorithm registry
 * (https://github.com/sigstore/architecture-docs/blob/main/algorithm-registry.md) as far as clients verify it, with the
 * names that each format has for the same algorithm.
 */
import { type CurveName, type KeyKind, SIGNATURES, type SignatureAlgorithm } from './algorithms.ts';
import { derNull, derOid, derSequence } from './der.ts';
import type { HashAlgorithm } from './sha.ts';

/** A key as far as the choice of an algorithm needs it; `PublicKeyInfo` is one. */
export interface KeyShape {
	readonly algorithm: KeyKind;
	readonly curve?: CurveName | undefined;
	readonly rsaBits?: number | undefined;
}

interface TufAlgorithm {
	readonly keytype: 'ecdsa' | 'ed25519';
	readonly scheme: 'ecdsa-sha2-nistp256' | 'ed25519';
}

export interface RegisteredAlgorithm {
	/** PublicKeyDetails of sigstore_common.proto. */
	readonly keyDetails: string;
	readonly key: KeyShape;
	readonly hash: HashAlgorithm;
	/** What the signer has at hand. ECDSA and RSA sign the same either way, Ed25519 does not (RFC 8032 section 5.1). */
	readonly over: readonly ('message' | 'digest')[];
	/** TUF specification section 4.2, for the keys that every client verifies there. */
	readonly tuf?: TufAlgorithm;
}

/** By the names of the registry. The order is that in which refusals list what is accepted. */
export const REGISTRY = {
	'ecdsa-sha2-256-nistp256': {
		keyDetails: 'PKIX_ECDSA_P256_SHA_256',
		key: { algorithm: 'ec', curve: 'P-256' },
		hash: 'SHA2_256',
		over: ['message', 'digest'],
		tuf: { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256' },
	},
	'ecdsa-sha2-384-nistp384': {
		keyDetails: 'PKIX_ECDSA_P384_SHA_384',
		key: { algorithm: 'ec', curve: 'P-384' },
		hash: 'SHA2_384',
		over: ['message', 'digest'],
	},
	'ecdsa-sha2-512-nistp521': {
		keyDetails: 'PKIX_ECDSA_P521_SHA_512',
		key: { algorithm: 'ec', curve: 'P-521' },
		hash: 'SHA2_512',
		over: ['message', 'digest'],
	},
	ed25519: {
		keyDetails: 'PKIX_ED25519',
		key: { algorithm: 'ed25519' },
		hash: 'SHA2_512',
		over: ['message'],
		tuf: { keytype: 'ed25519', scheme: 'ed25519' },
	},
	'ed25519-ph': {
		keyDetails: 'PKIX_ED25519_PH',
		key: { algorithm: 'ed25519' },
		hash: 'SHA2_512',
		over: ['digest'],
	},
	'rsa-sign-pkcs1-2048-sha256': {
		keyDetails: 'PKIX_RSA_PKCS1V15_2048_SHA256',
		key: { algorithm: 'rsa', rsaBits: 2048 },
		hash: 'SHA2_256',
		over: ['message', 'digest'],
	},
	'rsa-sign-pkcs1-3072-sha256': {
		keyDetails: 'PKIX_RSA_PKCS1V15_3072_SHA256',
		key: { algorithm: 'rsa', rsaBits: 3072 },
		hash: 'SHA2_256',
		over: ['message', 'digest'],
	},
	'rsa-sign-pkcs1-4096-sha256': {
		keyDetails: 'PKIX_RSA_PKCS1V15_4096_SHA256',
		key: { algorithm: 'rsa', rsaBits: 4096 },
		hash: 'SHA2_256',
		over: ['message', 'digest'],
	},
} as const satisfies Record<string, RegisteredAlgorithm>;

export const REGISTERED: readonly RegisteredAlgorithm[] = Object.values(REGISTRY);

/** Sizes of RSA keys that the registry names. */
export const REGISTERED_RSA_BITS: readonly number[] = REGISTERED.flatMap(({ key }) => key.rsaBits ?? []);

/** Whether this is a key of the algorithm. */
export function isKeyOf(algorithm: RegisteredAlgorithm, key: KeyShape): boolean {
	const { key: wanted } = algorithm;
	return key.algorithm === wanted.algorithm && key.curve === wanted.curve && key.rsaBits === wanted.rsaBits;
}

/** The algorithm by which a key signs messages, or digests; undefined for RSA keys of other sizes. */
export function registeredAlgorithm(key: KeyShape, over: 'message' | 'digest'): RegisteredAlgorithm | undefined {
	return REGISTERED.find((algorithm) => isKeyOf(algorithm, key) && algorithm.over.includes(over));
}

/** The hash that a key signs with where nothing else is said: by curve, and SHA-256 for RSA of whatever size. */
export function hashOfKey({ algorithm, curve }: KeyShape): HashAlgorithm {
	return REGISTERED.find(({ key }) => key.algorithm === algorithm && key.curve === curve)!.hash;
}

/** What certificates can name: they say nothing of Ed25519ph. */
type CertificateSignatureName = Exclude<keyof typeof REGISTRY, 'ed25519-ph'>;

/** Dotted identifiers of the signatures in certificates, by the registry's names. */
export const SIGNATURE_OIDS = bySignature(({ oid }) => oid);

/** The same as DER AlgorithmIdentifiers. */
export const SIGNATURE_IDENTIFIERS = bySignature(({ oid, parameters }) =>
	derSequence(derOid(oid), ...(parameters === 'null' ? [derNull()] : [])),
);

function bySignature<T>(make: (signature: SignatureAlgorithm) => T): Readonly<Record<CertificateSignatureName, T>> {
	const named = Object.entries<RegisteredAlgorithm>(REGISTRY).filter(([, { over }]) => over.includes('message'));
	return Object.fromEntries(
		named.map(([name, { key, hash }]) => [
			name,
			make(SIGNATURES.find((signature) => signature.key === key.algorithm && signature.hash === hash)!),
		]),
	) as Record<CertificateSignatureName, T>;
}
