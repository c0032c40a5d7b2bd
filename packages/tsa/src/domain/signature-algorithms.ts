/** Signature algorithms as CMS and X.509 name them, and the digest that belongs to each. */
import { REGISTRY, SIGNATURE_IDENTIFIERS } from '@chancery/core/algorithm-registry';
import { HASHES } from '@chancery/core/algorithms';
import { derOid, derSequence } from '@chancery/core/der';
import { digest } from '@chancery/core/sha';
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
	'ecdsa-sha2-256-nistp256': signatureAlgorithm('ecdsa-sha2-256-nistp256'),
	'ecdsa-sha2-384-nistp384': signatureAlgorithm('ecdsa-sha2-384-nistp384'),
};

function signatureAlgorithm(name: KeyAlgorithm): SignatureAlgorithm {
	const { hash } = REGISTRY[name];
	return {
		digestIdentifier: derSequence(derOid(HASHES[hash].oid)),
		signatureIdentifier: SIGNATURE_IDENTIFIERS[name],
		digest: (bytes) => digest(hash, bytes),
	};
}
