/**
 * Verifies signatures over messages with OpenSSL, through node:crypto.
 */
import { verify } from 'node:crypto';
import { hashOfKey } from '@chancery/core/algorithm-registry';
import { HASHES } from '@chancery/core/algorithms';
import type { HashAlgorithm } from '@chancery/core/sha';
import type { SignedMessage } from '@chancery/core/signed-message';
import { isStrongEnough, type PublicKey, readPublicKey } from './public-key.ts';

export interface SignatureQuestion extends Omit<SignedMessage, 'publicKey' | 'hash'> {
	/** DER of the SubjectPublicKeyInfo, or parsed before. */
	readonly publicKey: Uint8Array | PublicKey;
	/** Default: what belongs to the key: SHA-256 for P-256 and RSA, SHA-384 for P-384, SHA-512 for P-521. */
	readonly hash?: HashAlgorithm;
}

/**
 * Whether the signature was made over the message by the holder of the key. ECDSA: DER `Ecdsa-Sig-Value`; RSA: PKCS#1
 * v1.5; Ed25519: RFC 8032, without `hash`.
 *
 * Key and signature come from strangers: whatever is wrong with them, the answer is false, never an error. No
 * signature counts under an RSA key of less than 2048 bits; which sizes a service takes is its own policy.
 */
export function verifySignature({ publicKey, message, signature, hash }: SignatureQuestion): boolean {
	const parsed = readPublicKey(publicKey);
	if (parsed === undefined || !isStrongEnough(parsed.info)) return false;
	const digest = parsed.info.algorithm === 'ed25519' ? null : HASHES[hash ?? hashOfKey(parsed.info)].name;
	try {
		return verify(digest, message, { key: parsed.key, dsaEncoding: 'der' }, signature);
	} catch {
		// OpenSSL throws for some malformed signatures (an RSA number beyond the modulus) and answers false for others.
		return false;
	}
}
