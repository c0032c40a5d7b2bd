/**
 * What a signature primitive is asked. Key, message and signature are all bytes: they are named wherever they travel
 * together, so that none can take the place of another.
 */
import type { HashAlgorithm } from './sha.ts';

interface Signed {
	/** DER of the SubjectPublicKeyInfo. */
	readonly publicKey: Uint8Array;
	/** ECDSA: DER `Ecdsa-Sig-Value`; RSA: PKCS#1 v1.5; Ed25519: RFC 8032. */
	readonly signature: Uint8Array;
	readonly hash: HashAlgorithm;
}

/** Whether the holder of the key has signed the message. Ed25519 does not use `hash`. */
export interface SignedMessage extends Signed {
	readonly message: Uint8Array;
}

/** The same, where only a digest of the message is known. Ed25519 means Ed25519ph over a SHA-512 digest. */
export interface SignedDigest extends Signed {
	readonly digest: Uint8Array;
}
