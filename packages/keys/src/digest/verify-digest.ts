/**
 * Verifies signatures where only the digest of the message is known: an entry of the signature log may bring no more.
 * node:crypto always hashes by itself, so ECDSA has backends of its own (`digest-backend`), RSA is a comparison of the
 * padded block, and Ed25519ph goes through @noble/curves.
 */
import { constants, publicDecrypt } from 'node:crypto';
import { HASH_ALGORITHMS, HASHES } from '@chancery/core/algorithms';
import { concatBytes, equalBytes, utf8 } from '@chancery/core/bytes';
import { derNull, derOctetString, derOid, derSequence } from '@chancery/core/der';
import { digestLength, type HashAlgorithm } from '@chancery/core/sha';
import type { SignedDigest } from '@chancery/core/signed-message';
import { eddsa } from '@noble/curves/abstract/edwards.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { isStrongEnough, type PublicKey, readKeyInfo, readPublicKey } from '../public-key.ts';
import { defaultDigestBackend } from './digest-backend.ts';
import type { EcdsaBackend } from './ecdsa-backend.ts';
import { readEcdsaSignature } from './ecdsa-signature.ts';

/** DER of `DigestInfo` up to the digest itself (RFC 8017 section 9.2, note 1), with the NULL parameter that it requires. */
const DIGEST_INFO: ReadonlyMap<HashAlgorithm, Uint8Array> = new Map(
	HASH_ALGORITHMS.map((hash) => {
		const length = digestLength(hash);
		const algorithm = derSequence(derOid(HASHES[hash].oid), derNull());
		return [hash, derSequence(algorithm, derOctetString(new Uint8Array(length))).subarray(0, -length)];
	}),
);

/** Ed25519ph (RFC 8032 section 5.1) whose pre-hash has been done already: dom2(1, '') before everything that is hashed. */
const ED25519_DOMAIN = concatBytes(utf8('SigEd25519 no Ed25519 collisions'), Uint8Array.of(1, 0));
const ed25519OverDigest = eddsa(ed25519.Point, sha512, {
	prehash: (digest: Uint8Array) => digest,
	domain: (data: Uint8Array) => concatBytes(ED25519_DOMAIN, data),
	zip215: false,
});

export interface DigestQuestion extends Omit<SignedDigest, 'publicKey'> {
	/** DER of the SubjectPublicKeyInfo, or parsed before. */
	readonly publicKey: Uint8Array | PublicKey;
	/** Answers for ECDSA. All of them agree; without one, the fastest is taken. */
	readonly backend?: EcdsaBackend;
}

/**
 * Whether the signature was made by the holder of the key over a message whose `hash` is `digest`. ECDSA: DER
 * `Ecdsa-Sig-Value`, any of the two values of s; RSA: PKCS#1 v1.5; Ed25519: Ed25519ph, SHA-512 only.
 *
 * ECDSA reads no more of a digest than its order is long: under P-256, digests of SHA-512 that agree in their first 32
 * bytes share their signatures. Who compares digests compares all of them.
 *
 * False for a digest of another length than `hash` has, and for every malformed key or signature; never an error.
 * @throws {KeyError} `self-test-failed` when no backend is given and none on this machine gives the known answers
 */
export function verifyDigest(question: DigestQuestion): boolean {
	const { publicKey, hash, digest, signature, backend } = question;
	if (digest.length !== digestLength(hash)) return false;
	const info = readKeyInfo(publicKey);
	if (info === undefined || !isStrongEnough(info)) return false;
	switch (info.algorithm) {
		case 'ec': {
			const numbers = readEcdsaSignature(info.curve, signature);
			if (numbers === undefined) return false;
			return (backend ?? defaultDigestBackend()).verify({ key: info, hash, digest, signature, ...numbers });
		}
		case 'rsa':
			return isRsaSignature(question, info.rsaModulus.length);
		case 'ed25519':
			return (
				hash === 'SHA2_512' && signature.length === 64 && ed25519OverDigest.verify(signature, digest, info.ed25519)
			);
	}
}

/** RFC 8017 section 8.2.2: the block that must have been signed is built and compared whole, never parsed. */
function isRsaSignature({ publicKey, hash, digest, signature }: DigestQuestion, modulusBytes: number): boolean {
	const parsed = readPublicKey(publicKey);
	if (parsed === undefined) return false;
	const digestInfo = concatBytes(DIGEST_INFO.get(hash)!, digest);
	const padding = modulusBytes - digestInfo.length - 3;
	if (padding < 8 || signature.length !== modulusBytes) return false;
	const expected = concatBytes(Uint8Array.of(0, 1), new Uint8Array(padding).fill(0xff), Uint8Array.of(0), digestInfo);
	try {
		return equalBytes(publicDecrypt({ key: parsed.key, padding: constants.RSA_NO_PADDING }, signature), expected);
	} catch {
		// The number is not below the modulus.
		return false;
	}
}
