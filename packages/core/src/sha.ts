/**
 * The SHA-2 functions (FIPS 180-4) under the names that Sigstore's messages give them (protobuf `HashAlgorithm`).
 */

import { sha256 as nobleSha256, sha384 as nobleSha384, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import { sha256, sha384, sha512 } from '#sha2';

export { sha256, sha384, sha512 };

export type HashAlgorithm = 'SHA2_256' | 'SHA2_384' | 'SHA2_512';

/** A hash that takes its input in pieces, for artifacts that do not fit in memory. */
export interface RunningHash {
	update(bytes: Uint8Array): RunningHash;
	/** The digest; nothing may be added afterwards. */
	digest(): Uint8Array;
}

const AT_ONCE = { SHA2_256: sha256, SHA2_384: sha384, SHA2_512: sha512 } as const;
const IN_PIECES = { SHA2_256: nobleSha256, SHA2_384: nobleSha384, SHA2_512: nobleSha512 } as const;

/** Digest of the bytes with the named function. */
export function digest(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array {
	return AT_ONCE[algorithm](bytes);
}

/** Starts a hash over input that arrives in pieces. */
export function startDigest(algorithm: HashAlgorithm): RunningHash {
	return IN_PIECES[algorithm].create();
}

/** Length of a digest in bytes. */
export function digestLength(algorithm: HashAlgorithm): number {
	return IN_PIECES[algorithm].outputLen;
}
