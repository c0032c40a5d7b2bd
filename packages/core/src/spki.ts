/**
 * Public keys as SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7): ECDSA (RFC 5480), RSA (RFC 8017 appendix A.1.1) and
 * Ed25519 (RFC 8410), and the names that Sigstore's messages give to kinds of keys (protobuf `PublicKeyDetails`).
 */
import { sha1 } from '@noble/hashes/legacy.js';
import { registeredAlgorithm } from './algorithm-registry.ts';
import { CURVES, type CurveName, curveWithOid, KEYS, MAX_RSA_BITS, MAX_RSA_EXPONENT } from './algorithms.ts';
import { DerReader, derBitString, derNull, derOid, derSequence } from './der.ts';
import { FormatError } from './format-error.ts';

export type PublicKeyInfo = EcPublicKey | RsaPublicKey | Ed25519PublicKey;

interface NoEcFields {
	readonly curve?: undefined;
	readonly ecPoint?: undefined;
}
interface NoRsaFields {
	readonly rsaBits?: undefined;
	readonly rsaModulus?: undefined;
	readonly rsaExponent?: undefined;
}
interface NoEd25519Fields {
	readonly ed25519?: undefined;
}

export interface EcPublicKey extends NoRsaFields, NoEd25519Fields {
	readonly algorithm: 'ec';
	readonly curve: CurveName;
	/** 0x04 || X || Y. Whether the point lies on the curve is for the signature check to find out. */
	readonly ecPoint: Uint8Array;
}

export interface RsaPublicKey extends NoEcFields, NoEd25519Fields {
	readonly algorithm: 'rsa';
	readonly rsaBits: number;
	/** Unsigned big-endian, without leading zeros. */
	readonly rsaModulus: Uint8Array;
	readonly rsaExponent: Uint8Array;
}

export interface Ed25519PublicKey extends NoEcFields, NoRsaFields {
	readonly algorithm: 'ed25519';
	/** 32 bytes (RFC 8032). */
	readonly ed25519: Uint8Array;
}

/**
 * Reads a SubjectPublicKeyInfo. Throws FormatError for other algorithms, curves and point forms, and for RSA numbers that
 * no honest key has: see `MAX_RSA_BITS` and `MAX_RSA_EXPONENT` in `algorithms`. Small moduli are read; no signature under them counts
 * (`keys/verify-signature`), and whoever refuses such a key can say why.
 */
export function parseSpki(der: Uint8Array): PublicKeyInfo {
	const outer = new DerReader(der);
	const spki = outer.sequence();
	outer.end();
	const algorithm = spki.sequence();
	const key = spki.bitString();
	spki.end();
	const oid = algorithm.oid();
	if (oid === KEYS.ec.oid) return parseEcKey(algorithm, key);
	if (oid === KEYS.rsa.oid) {
		algorithm.null();
		algorithm.end();
		return parseRsaKey(key);
	}
	if (oid === KEYS.ed25519.oid) {
		algorithm.end();
		if (key.length !== 32) throw new FormatError('public key', 'an Ed25519 key does not have 32 bytes');
		return { algorithm: 'ed25519', ed25519: key };
	}
	throw new FormatError('public key', `algorithm ${oid} is not one that we know`);
}

function parseEcKey(algorithm: DerReader, key: Uint8Array): EcPublicKey {
	const curveOid = algorithm.oid();
	algorithm.end();
	const curve = curveWithOid(curveOid);
	if (!curve) throw new FormatError('public key', `curve ${curveOid} is not one that we know`);
	if (!isUncompressedPoint(curve, key)) throw new FormatError('public key', `not an uncompressed point of ${curve}`);
	return { algorithm: 'ec', curve, ecPoint: key };
}

function parseRsaKey(key: Uint8Array): RsaPublicKey {
	const outer = new DerReader(key);
	const fields = outer.sequence();
	outer.end();
	const rsaModulus = positive(fields.integerBytes());
	const rsaExponent = positive(fields.integerBytes());
	fields.end();
	const rsaBits = 8 * rsaModulus.length - (Math.clz32(rsaModulus[0]!) - 24);
	checkRsaNumbers(rsaModulus, rsaBits, rsaExponent);
	return { algorithm: 'rsa', rsaBits, rsaModulus, rsaExponent };
}

/**
 * RFC 8017 section 3.1: the modulus is a product of odd primes, the exponent odd and from 3. An even modulus would also
 * lead OpenSSL off Montgomery's method to one that is many times slower.
 */
function checkRsaNumbers(modulus: Uint8Array, bits: number, exponentBytes: Uint8Array): void {
	if (bits > MAX_RSA_BITS) throw new FormatError('public key', `RSA with ${bits} bits; ${MAX_RSA_BITS} are the most`);
	if (modulus.at(-1)! % 2 === 0) throw new FormatError('public key', 'the RSA modulus is even');
	if (exponentBytes.length > 4)
		throw new FormatError(
			'public key',
			`an RSA exponent of ${exponentBytes.length} bytes; ${MAX_RSA_EXPONENT} is the largest`,
		);
	const exponent = exponentBytes.reduce((sum, byte) => sum * 256 + byte, 0);
	if (exponent > MAX_RSA_EXPONENT)
		throw new FormatError('public key', `the RSA exponent is ${exponent}; ${MAX_RSA_EXPONENT} is the largest`);
	if (exponent < 3 || exponent % 2 === 0)
		throw new FormatError('public key', `the RSA exponent is ${exponent}; expected an odd number from 3`);
}

/** Drops the zero octet that keeps the number positive; refuses zero and negative numbers. */
function positive(content: Uint8Array): Uint8Array {
	const magnitude = content[0] === 0 ? content.subarray(1) : content;
	if (content[0]! >= 0x80 || magnitude.length === 0)
		throw new FormatError('public key', 'an RSA number is not positive');
	return magnitude;
}

/**
 * Name of the key's kind with its default hash, as `PublicKeyDetails` spells it: of a key that signs messages, or digests
 * of them (only Ed25519 makes a difference). Throws FormatError for RSA sizes that have no name there.
 */
export function keyDetailsOf(key: PublicKeyInfo, over: 'message' | 'digest' = 'message'): string {
	const algorithm = registeredAlgorithm(key, over);
	if (!algorithm) throw new FormatError('public key', `RSA with ${key.rsaBits} bits has no name`);
	return algorithm.keyDetails;
}

/** SubjectPublicKeyInfo of a raw Ed25519 key (32 bytes). Throws FormatError for another length. */
export function ed25519Spki(publicKey: Uint8Array): Uint8Array {
	if (publicKey.length !== 32) throw new FormatError('public key', 'an Ed25519 key does not have 32 bytes');
	return derSequence(derSequence(derOid(KEYS.ed25519.oid)), derBitString(publicKey));
}

/** SubjectPublicKeyInfo of an ECDSA key from its uncompressed point. Throws FormatError for another form or length. */
export function ecSpki(curve: CurveName, point: Uint8Array): Uint8Array {
	if (!isUncompressedPoint(curve, point)) throw new FormatError('public key', `not an uncompressed point of ${curve}`);
	return derSequence(derSequence(derOid(KEYS.ec.oid), derOid(CURVES[curve].oid)), derBitString(point));
}

/** SubjectPublicKeyInfo of an RSA key from its RSAPublicKey (RFC 8017 appendix A.1.1), which is not looked at. */
export function rsaSpki(rsaPublicKey: Uint8Array): Uint8Array {
	return derSequence(derSequence(derOid(KEYS.rsa.oid), derNull()), derBitString(rsaPublicKey));
}

function isUncompressedPoint(curve: CurveName, point: Uint8Array): boolean {
	return point.length === 1 + 2 * CURVES[curve].bytes && point[0] === 0x04;
}

/** Key identifier of RFC 5280 section 4.2.1.2 method 1: SHA-1 of the key's bits. A name for a key, nothing secure. */
export function keyIdentifier(spki: Uint8Array): Uint8Array {
	const outer = new DerReader(spki);
	const fields = outer.sequence();
	outer.end();
	fields.sequence();
	const key = fields.bitString();
	fields.end();
	return sha1(key);
}
