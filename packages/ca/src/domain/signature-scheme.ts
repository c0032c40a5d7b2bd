/**
 * The signature schemes of requested keys: one hash per key type, as clients sign with it.
 */
import type { HashAlgorithm } from '@chancery/core/sha';
import type { PublicKeyInfo } from '@chancery/core/spki';

/** How keys of this kind sign the challenge: ECDSA with the hash of the curve's size, RSA PKCS#1 v1.5 with SHA-256. */
export function challengeHash(key: PublicKeyInfo): HashAlgorithm | undefined {
	switch (key.algorithm) {
		case 'ec':
			return key.curve === 'P-256' ? 'SHA2_256' : key.curve === 'P-384' ? 'SHA2_384' : 'SHA2_512';
		case 'rsa':
			return 'SHA2_256';
		case 'ed25519':
			return undefined;
	}
}

export interface CsrScheme {
	readonly name: string;
	readonly key: PublicKeyInfo['algorithm'];
	/** Undefined for Ed25519, which hashes for itself. */
	readonly hash: HashAlgorithm | undefined;
}

/** Signature algorithms of certification requests (RFC 5758, RFC 8017 appendix A.2.4, RFC 8410). */
export const CSR_SCHEMES: Readonly<Record<string, CsrScheme>> = {
	'1.2.840.10045.4.3.2': { name: 'ECDSA-SHA256', key: 'ec', hash: 'SHA2_256' },
	'1.2.840.10045.4.3.3': { name: 'ECDSA-SHA384', key: 'ec', hash: 'SHA2_384' },
	'1.2.840.10045.4.3.4': { name: 'ECDSA-SHA512', key: 'ec', hash: 'SHA2_512' },
	'1.2.840.113549.1.1.11': { name: 'SHA256-RSA', key: 'rsa', hash: 'SHA2_256' },
	'1.2.840.113549.1.1.12': { name: 'SHA384-RSA', key: 'rsa', hash: 'SHA2_384' },
	'1.2.840.113549.1.1.13': { name: 'SHA512-RSA', key: 'rsa', hash: 'SHA2_512' },
	'1.3.101.112': { name: 'Ed25519', key: 'ed25519', hash: undefined },
};

/** Names for schemes that are known and refused, so that the refusal can be understood. */
export const REFUSED_SCHEMES: Readonly<Record<string, string>> = {
	'1.2.840.10045.4.1': 'ECDSA-SHA1',
	'1.2.840.113549.1.1.4': 'MD5-RSA',
	'1.2.840.113549.1.1.5': 'SHA1-RSA',
	'1.2.840.113549.1.1.10': 'RSAPSS',
};
