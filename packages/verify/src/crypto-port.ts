/**
 * The signature primitives that verification needs from its surroundings: node:crypto on a server, WebCrypto or a
 * pure implementation in a browser. Required, never defaulted: a verifier without primitives must not exist.
 */
import type { SignedDigest, SignedMessage } from '@chancery/core/signed-message';

export interface CryptoPort {
	/** Whether the signature is right. False for a malformed key or signature. */
	verify(signed: SignedMessage): boolean | Promise<boolean>;
	/** As `verify`, where only the digest of the message is known. */
	verifyDigest(signed: SignedDigest): boolean | Promise<boolean>;
}
