/**
 * Proof that the requester holds the private key: nobody gets a key that is somebody else's certified under his own name,
 * and claims the signatures made with it. It is no protection from whoever steals a token: he brings a key of his own.
 */

import { quote } from '@chancery/chassis/tokens/token-errors';
import { hashOfKey } from '@chancery/core/algorithm-registry';
import { REFUSED_SIGNATURES, signatureAlgorithmOf } from '@chancery/core/algorithms';
import { utf8 } from '@chancery/core/bytes';
import type { PublicKey } from '@chancery/keys/public-key';
import { verifySignature } from '@chancery/keys/verify-signature';
import { refuse } from './refusal.ts';
import type { RequestedKey } from './requested-key.ts';

/** @throws {DomainError} `proof-invalid`, `csr-algorithm-unknown` or `algorithm-not-permitted` */
export function checkProofOfPossession(key: RequestedKey, challenges: readonly string[]): void {
	const { publicKey } = key;
	if (key.csr) {
		checkSelfSignature(publicKey, key.csr);
		return;
	}
	// ECDSA with the hash of the curve's size, RSA PKCS#1 v1.5 with SHA-256; Ed25519 hashes for itself.
	const hash = hashOfKey(publicKey.info);
	const proven = challenges.some((challenge) =>
		verifySignature({ publicKey, message: utf8(challenge), signature: key.proof, hash }),
	);
	if (!proven)
		throw refuse(
			'proof-invalid',
			`expected a signature over one of ${challenges.map(quote).join(', ')}${publicKey.info.ed25519 ? '' : ` with ${hash}`}`,
		);
}

function checkSelfSignature(publicKey: PublicKey, csr: NonNullable<RequestedKey['csr']>): void {
	const keyType = publicKey.info.algorithm;
	const named = signatureAlgorithmOf(csr.signatureAlgorithm);
	if (!named)
		throw refuse('csr-algorithm-unknown', REFUSED_SIGNATURES.get(csr.signatureAlgorithm) ?? csr.signatureAlgorithm);
	// The certification request is the challenge here: it names the key, and clients send it with a fresh key only.
	if (
		named.key !== keyType ||
		!verifySignature({ publicKey, message: csr.info, signature: csr.signature, hash: named.hash })
	)
		throw refuse('proof-invalid', `the certification request is not signed by its own key with ${named.name}`);
	const permitted = hashOfKey(publicKey.info);
	if (named.hash !== permitted)
		throw refuse('algorithm-not-permitted', `${keyType}, ${named.hash}; expected ${permitted}`);
}
