/**
 * The signature primitives that verification needs from its surroundings: node:crypto on a server, WebCrypto or a
 * pure implementation in a browser. Required, never defaulted: a verifier without primitives must not exist.
 */
import type { HashAlgorithm } from '@chancery/core/sha';

export interface CryptoPort {
	/**
	 * Whether `signature` was made over `message` by the holder of `publicKey` (DER SPKI).
	 * ECDSA: DER `Ecdsa-Sig-Value`; RSA: PKCS#1 v1.5; Ed25519: RFC 8032, `hash` is not used.
	 * A malformed key or signature answers false.
	 */
	verify(
		publicKey: Uint8Array,
		message: Uint8Array,
		signature: Uint8Array,
		hash: HashAlgorithm,
	): boolean | Promise<boolean>;
	/** As `verify`, where only the digest of the message is known. Ed25519 means Ed25519ph over a SHA-512 digest. */
	verifyDigest(
		publicKey: Uint8Array,
		hash: HashAlgorithm,
		digest: Uint8Array,
		signature: Uint8Array,
	): boolean | Promise<boolean>;
}
