/**
 * Names by which OpenSSL knows the hashes.
 */
import type { HashAlgorithm } from '@chancery/core/sha';

export const OPENSSL_DIGESTS: Readonly<Record<HashAlgorithm, string>> = {
	SHA2_256: 'sha256',
	SHA2_384: 'sha384',
	SHA2_512: 'sha512',
};
