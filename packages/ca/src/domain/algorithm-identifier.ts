/**
 * How certificates name the signatures of our keys (RFC 5758 section 3.2, RFC 8410 section 3): without parameters.
 */
import { derOid, derSequence } from '@chancery/core/der';
import type { KeyAlgorithm } from '@chancery/keys/signer';

export const SIGNATURE_OIDS: Readonly<Record<KeyAlgorithm, string>> = {
	'ecdsa-sha2-256-nistp256': '1.2.840.10045.4.3.2',
	'ecdsa-sha2-384-nistp384': '1.2.840.10045.4.3.3',
	ed25519: '1.3.101.112',
};

/** DER of the AlgorithmIdentifier. */
export function signatureAlgorithm(key: KeyAlgorithm): Uint8Array {
	return derSequence(derOid(SIGNATURE_OIDS[key]));
}
