/**
 * Signature algorithms as certificates and signed data name them (RFC 5758 section 3.2, RFC 4055 section 5, RFC 8410
 * section 3). One table, so that no verifier accepts what another one refuses.
 */
import { derOid, derSequence } from './der.ts';
import type { HashAlgorithm } from './sha.ts';

export interface SignatureAlgorithm {
	/** Kind of key that signs so; a name that does not fit the key is a forgery or a mistake. */
	readonly key: 'ec' | 'rsa' | 'ed25519';
	/** What is hashed before signing; Ed25519 hashes for itself, with SHA-512. */
	readonly hash: HashAlgorithm;
}

/** SHA-1, MD5 and RSA-PSS are absent on purpose: no authority that we read signs so. */
const BY_OID: ReadonlyMap<string, SignatureAlgorithm> = new Map<string, SignatureAlgorithm>([
	['1.2.840.10045.4.3.2', { key: 'ec', hash: 'SHA2_256' }],
	['1.2.840.10045.4.3.3', { key: 'ec', hash: 'SHA2_384' }],
	['1.2.840.10045.4.3.4', { key: 'ec', hash: 'SHA2_512' }],
	['1.2.840.113549.1.1.11', { key: 'rsa', hash: 'SHA2_256' }],
	['1.2.840.113549.1.1.12', { key: 'rsa', hash: 'SHA2_384' }],
	['1.2.840.113549.1.1.13', { key: 'rsa', hash: 'SHA2_512' }],
	['1.3.101.112', { key: 'ed25519', hash: 'SHA2_512' }],
]);

/** The algorithm with this dotted identifier, or undefined when it is not accepted. */
export function signatureAlgorithmOf(oid: string): SignatureAlgorithm | undefined {
	return BY_OID.get(oid);
}

/** Identifiers of the signatures that our own keys make, by `Signer.algorithm`. */
export const SIGNATURE_OIDS = {
	'ecdsa-sha2-256-nistp256': '1.2.840.10045.4.3.2',
	'ecdsa-sha2-384-nistp384': '1.2.840.10045.4.3.3',
	ed25519: '1.3.101.112',
} as const satisfies Record<string, string>;

/** The same as DER AlgorithmIdentifiers, without parameters. */
export const SIGNATURE_IDENTIFIERS = {
	'ecdsa-sha2-256-nistp256': derSequence(derOid(SIGNATURE_OIDS['ecdsa-sha2-256-nistp256'])),
	'ecdsa-sha2-384-nistp384': derSequence(derOid(SIGNATURE_OIDS['ecdsa-sha2-384-nistp384'])),
	ed25519: derSequence(derOid(SIGNATURE_OIDS.ed25519)),
} as const satisfies Record<keyof typeof SIGNATURE_OIDS, Uint8Array>;
