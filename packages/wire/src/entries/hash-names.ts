/** The names of hashes in v1 entries and in searches, as users write them. */
import type { HashAlgorithm } from '@chancery/core/sha';

export const HASHES_BY_NAME = {
	sha256: 'SHA2_256',
	sha384: 'SHA2_384',
	sha512: 'SHA2_512',
} as const satisfies Record<string, HashAlgorithm>;

export const HASH_NAMES: Readonly<Record<HashAlgorithm, string>> = {
	SHA2_256: 'sha256',
	SHA2_384: 'sha384',
	SHA2_512: 'sha512',
};
