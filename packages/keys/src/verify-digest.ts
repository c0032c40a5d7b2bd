/**
 * Verifies signatures where only the digest of the message is known: an entry of the signature log may bring no more.
 * node:crypto always hashes by itself, so ECDSA goes through @noble/curves (audited, constant answers, about twenty
 * times slower than OpenSSL), RSA through a comparison of the padded block, Ed25519ph through @noble/curves.
 */
import { constants, publicDecrypt } from 'node:crypto';
import { concatBytes, equalBytes, utf8 } from '@chancery/core/bytes';
import { DerReader } from '@chancery/core/der';
import { FormatError } from '@chancery/core/format-error';
import { digestLength, type HashAlgorithm } from '@chancery/core/sha';
import type { CurveName } from '@chancery/core/spki';
import { eddsa } from '@noble/curves/abstract/edwards.js';
import type { ECDSA } from '@noble/curves/abstract/weierstrass.js';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384, p521 } from '@noble/curves/nist.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { type PublicKey, readPublicKey } from './public-key.ts';

const CURVES: Readonly<Record<CurveName, ECDSA>> = { 'P-256': p256, 'P-384': p384, 'P-521': p521 };

/** DER of `DigestInfo` up to the digest itself (RFC 8017 section 9.2, note 1), with the NULL parameter that it requires. */
const DIGEST_INFO: Readonly<Record<HashAlgorithm, Uint8Array>> = {
	SHA2_256: Uint8Array.fromHex('3031300d060960864801650304020105000420'),
	SHA2_384: Uint8Array.fromHex('3041300d060960864801650304020205000430'),
	SHA2_512: Uint8Array.fromHex('3051300d060960864801650304020305000440'),
};

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
 * False for a digest of another length than `hash` has, and for every malformed key or signature; never an error.
 */
export function verifyDigest(
	publicKey: Uint8Array | PublicKey,
	hash: HashAlgorithm,
	digest: Uint8Array,
	signature: Uint8Array,
): boolean {
	if (digest.length !== digestLength(hash)) return false;
	const parsed = readPublicKey(publicKey);
	if (parsed === undefined) return false;
	const { info } = parsed;
	switch (info.algorithm) {
		case 'ec':
			return verifyEcdsa(CURVES[info.curve], info.ecPoint, digest, signature);
		case 'rsa':
			return verifyRsa(parsed, info.rsaModulus.length, hash, digest, signature);
		case 'ed25519':
			return hash === 'SHA2_512' && verifyEd25519ph(info.ed25519, digest, signature);
	}
}

function verifyEcdsa(curve: ECDSA, point: Uint8Array, digest: Uint8Array, signature: Uint8Array): boolean {
	const compact = compactSignature(curve, signature);
	if (compact === undefined) return false;
	// A digest longer than the order is cut to its leftmost bits there (FIPS 186-5 section 6.4.2).
	return curve.verify(compact, digest, point, { prehash: false, lowS: false, format: 'compact' });
}

/**
 * r and s as fixed-width numbers, from the DER sequence of two integers (RFC 3279 section 2.2.3). Strict DER: another
 * spelling of a valid signature would be another entry in the log.
 */
function compactSignature(curve: ECDSA, signature: Uint8Array): Uint8Array | undefined {
	const { ORDER, BYTES } = curve.Point.Fn;
	try {
		const outer = new DerReader(signature);
		const numbers = outer.sequence();
		outer.end();
		const parts = [numbers.integer(), numbers.integer()];
		numbers.end();
		if (parts.some((number) => number <= 0n || number >= ORDER)) return undefined;
		return concatBytes(...parts.map((number) => Uint8Array.fromHex(number.toString(16).padStart(2 * BYTES, '0'))));
	} catch (error) {
		if (error instanceof FormatError) return undefined;
		throw error;
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
	const digestInfo = concatBytes(DIGEST_INFO[hash], digest);
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
