/**
 * Verifies signatures where only the digest of the message is known: an entry of the signature log may bring no more.
 * node:crypto always hashes by itself, so ECDSA has backends of its own (`digest-backend`), RSA is a comparison of the
 * padded block, and Ed25519ph goes through @noble/curves.
 */
import { constants, publicDecrypt } from 'node:crypto';
import { HASHES } from '@chancery/core/algorithms';
import { concatBytes, equalBytes, utf8 } from '@chancery/core/bytes';
import { derNull, derOctetString, derOid, derSequence } from '@chancery/core/der';
import { digestLength, type HashAlgorithm } from '@chancery/core/sha';
import { eddsa } from '@noble/curves/abstract/edwards.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { isStrongEnough, type PublicKey, readKeyInfo, readPublicKey } from '../public-key.ts';
import { defaultDigestBackend } from './digest-backend.ts';
import type { EcdsaBackend } from './ecdsa-backend.ts';
import { readEcdsaSignature } from './ecdsa-signature.ts';

/** Ed25519ph (RFC 8032 section 5.1) whose pre-hash has been done already: dom2(1, '') before everything that is hashed. */
const ED25519_DOMAIN = concatBytes(utf8('SigEd25519 no Ed25519 collisions'), Uint8Array.of(1, 0));
const ed25519OverDigest = eddsa(ed25519.Point, sha512, {
	prehash: (digest: Uint8Array) => digest,
	domain: (data: Uint8Array) => concatBytes(ED25519_DOMAIN, data),
	zip215: false,
});

/**
 * Whether `signature` was made by the holder of the key (DER SPKI, or parsed before) over a message whose `hash` is
 * `digest`. ECDSA: DER `Ecdsa-Sig-Value`, any of the two values of s; RSA: PKCS#1 v1.5; Ed25519: Ed25519ph, SHA-512 only.
 *
 * ECDSA reads no more of a digest than its order is long: under P-256, digests of SHA-512 that agree in their first 32
 * bytes share their signatures. Who compares digests compares all of them.
 *
 * `backend` answers for ECDSA; all of them agree, and without one the fastest is taken.
 *
 * False for a digest of another length than `hash` has, and for every malformed key or signature; never an error.
 * @throws KeyError `self-test-failed` when no backend is given and none on this machine gives the known answers
 */
export function verifyDigest(
	publicKey: Uint8Array | PublicKey,
	hash: HashAlgorithm,
	digest: Uint8Array,
	signature: Uint8Array,
	backend?: EcdsaBackend,
): boolean {
	if (digest.length !== digestLength(hash)) return false;
	const info = readKeyInfo(publicKey);
	if (info === undefined || !isStrongEnough(info)) return false;
	switch (info.algorithm) {
		case 'ec': {
			const numbers = readEcdsaSignature(info.curve, signature);
			if (numbers === undefined) return false;
			return (backend ?? defaultDigestBackend()).verify({ key: info, hash, digest, signature, ...numbers });
		}
		case 'rsa': {
			const parsed = readPublicKey(publicKey);
			return parsed !== undefined && verifyRsa(parsed, info.rsaModulus.length, hash, digest, signature);
		}
		case 'ed25519':
			return hash === 'SHA2_512' && verifyEd25519ph(info.ed25519, digest, signature);
	}
}

/** RFC 8017 section 8.2.2: the block that must have been signed is built and compared whole, never parsed. */
function verifyRsa(
	{ key }: PublicKey,
	modulusBytes: number,
	hash: HashAlgorithm,
	digest: Uint8Array,
	signature: Uint8Array,
): boolean {
	// RFC 8017 section 9.2, note 1: with the NULL parameter, which it requires.
	const digestInfo = derSequence(derSequence(derOid(HASHES[hash].oid), derNull()), derOctetString(digest));
	const padding = modulusBytes - digestInfo.length - 3;
	if (padding < 8 || signature.length !== modulusBytes) return false;
	const expected = concatBytes(Uint8Array.of(0, 1), new Uint8Array(padding).fill(0xff), Uint8Array.of(0), digestInfo);
	try {
		return equalBytes(publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature), expected);
	} catch {
		// The number is not below the modulus.
		return false;
	}
}

function verifyEd25519ph(publicKey: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
	return signature.length === 64 && ed25519OverDigest.verify(signature, digest, publicKey);
}
