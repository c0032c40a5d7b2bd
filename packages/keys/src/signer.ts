/**
 * What every private key looks like to the rest of Chancery, wherever it is kept: a public half and a `sign`.
 *
 * A signer never hands out its private key, and a failing signer says which key (by URI without secrets) failed.
 */
import type { REGISTRY } from '@chancery/core/algorithm-registry';

/** The algorithms our own keys may have, by their names in the registry. */
export const KEY_ALGORITHMS = [
	'ecdsa-sha2-256-nistp256',
	'ecdsa-sha2-384-nistp384',
	'ed25519',
] as const satisfies (keyof typeof REGISTRY)[];
export type KeyAlgorithm = (typeof KEY_ALGORITHMS)[number];

export interface Signer {
	readonly algorithm: KeyAlgorithm;
	/** DER of the SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). */
	readonly publicKey: Uint8Array;
	/**
	 * Signs the message itself (not a digest of it). ECDSA answers ASN.1 DER `Ecdsa-Sig-Value` over the hash its
	 * algorithm names; Ed25519 answers the 64 bytes of RFC 8032.
	 */
	sign(message: Uint8Array): Promise<Uint8Array>;
}
