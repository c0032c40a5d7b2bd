/**
 * The SHA-2 functions (FIPS 180-4) under the names that Sigstore's messages give them (protobuf `HashAlgorithm`).
 */
import { sha256 as nobleSha256, sha384 as nobleSha384, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';

export type HashAlgorithm = 'SHA2_256' | 'SHA2_384' | 'SHA2_512';

/** SHA-256 of the bytes: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
	return nobleSha256(bytes);
}

/** SHA-384 of the bytes: 48 bytes. */
export function sha384(bytes: Uint8Array): Uint8Array {
	return nobleSha384(bytes);
}

/** SHA-512 of the bytes: 64 bytes. */
export function sha512(bytes: Uint8Array): Uint8Array {
	return nobleSha512(bytes);
}

/** A hash that takes its input in pieces, for artifacts that do not fit in memory. */
export interface RunningHash {
	update(bytes: Uint8Array): RunningHash;
	/** The digest; nothing may be added afterwards. */
	digest(): Uint8Array;
}

const FUNCTIONS = { SHA2_256: nobleSha256, SHA2_384: nobleSha384, SHA2_512: nobleSha512 } as const;

/** Digest of the bytes with the named function. */
export function digest(algorithm: HashAlgorithm, bytes: Uint8Array): Uint8Array {
	return FUNCTIONS[algorithm](bytes);
}

/** Starts a hash over input that arrives in pieces. */
export function startDigest(algorithm: HashAlgorithm): RunningHash {
	return FUNCTIONS[algorithm].create();
}

/** Length of a digest in bytes. */
export function digestLength(algorithm: HashAlgorithm): number {
	return FUNCTIONS[algorithm].outputLen;
}
