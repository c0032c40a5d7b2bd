/** Signature algorithms as CMS and X.509 name them, and the digest that belongs to each. */
import { derOid, derSequence } from '@chancery/core/der';
import { sha256, sha384 } from '@chancery/core/sha';
import { SIGNATURE_IDENTIFIERS } from '@chancery/core/signature-algorithm';
import type { KeyAlgorithm } from '@chancery/keys/signer';

export interface SignatureAlgorithm {
	/** AlgorithmIdentifier of the digest, without parameters (RFC 5754 section 2). */
	readonly digestIdentifier: Uint8Array;
	/** AlgorithmIdentifier of the signature, without parameters (RFC 5758 section 3.2). */
	readonly signatureIdentifier: Uint8Array;
	readonly digest: (bytes: Uint8Array) => Uint8Array;
}

/** The algorithms an authority may sign with. Ed25519 is missing on purpose: clients cannot verify it in a timestamp. */
export const SIGNATURE_ALGORITHMS: Readonly<Partial<Record<KeyAlgorithm, SignatureAlgorithm>>> = {
	'ecdsa-sha2-256-nistp256': {
		digestIdentifier: derSequence(derOid('2.16.840.1.101.3.4.2.1')),
		signatureIdentifier: SIGNATURE_IDENTIFIERS['ecdsa-sha2-256-nistp256'],
		digest: sha256,
	},
	'ecdsa-sha2-384-nistp384': {
		digestIdentifier: derSequence(derOid('2.16.840.1.101.3.4.2.2')),
		signatureIdentifier: SIGNATURE_IDENTIFIERS['ecdsa-sha2-384-nistp384'],
		digest: sha384,
	},
};
