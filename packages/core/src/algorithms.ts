/**
 * The one table of algorithms: hashes, kinds of keys, curves, and signature algorithms as certificates name them. Whoever
 * reads or writes an identifier takes it from here, so that no part accepts what another one refuses. The pairs of key and
 * hash that Sigstore gives names to are in `algorithm-registry`.
 *
 * What arrives from outside is looked up in Maps, in which `__proto__` is a name like any other.
 */
import type { HashAlgorithm } from './sha.ts';

/** Kinds of public keys that are read. */
export type KeyKind = 'ec' | 'rsa' | 'ed25519';
/** The curves of FIPS 186-5, as JOSE and WebCrypto name them too. */
export type CurveName = 'P-256' | 'P-384' | 'P-521';

/** `name` as OpenSSL, in-toto and Rekor v1 spell it; `oid` of RFC 5754 section 2; `tls` of RFC 5246 section 7.4.1.4.1. */
export const HASHES = {
	SHA2_256: { name: 'sha256', oid: '2.16.840.1.101.3.4.2.1', tls: 4 },
	SHA2_384: { name: 'sha384', oid: '2.16.840.1.101.3.4.2.2', tls: 5 },
	SHA2_512: { name: 'sha512', oid: '2.16.840.1.101.3.4.2.3', tls: 6 },
} as const satisfies Record<HashAlgorithm, { name: string; oid: string; tls: number }>;
export type HashName = (typeof HASHES)[HashAlgorithm]['name'];

/** In the order of their lengths. */
export const HASH_ALGORITHMS = Object.keys(HASHES) as readonly HashAlgorithm[];
const HASHES_BY_NAME = new Map<string, HashAlgorithm>(HASH_ALGORITHMS.map((hash) => [HASHES[hash].name, hash]));
const HASHES_BY_OID = new Map<string, HashAlgorithm>(HASH_ALGORITHMS.map((hash) => [HASHES[hash].oid, hash]));

/** The hash called so (`sha256`), or undefined. */
export function hashWithName(name: HashName): HashAlgorithm;
export function hashWithName(name: string): HashAlgorithm | undefined;
export function hashWithName(name: string): HashAlgorithm | undefined {
	return HASHES_BY_NAME.get(name);
}

/** The hash with this dotted identifier, or undefined. */
export function hashWithOid(oid: string): HashAlgorithm | undefined {
	return HASHES_BY_OID.get(oid);
}

/**
 * AlgorithmIdentifiers of public keys: RFC 5480 section 2.1.1 (the parameter names the curve), RFC 3279 section 2.3.1
 * (NULL), RFC 8410 section 3 (no parameters); and the SignatureAlgorithm of RFC 5246 section 7.4.1.4.1 where CT has one.
 */
export const KEYS = {
	ec: { oid: '1.2.840.10045.2.1', parameters: 'curve', tls: 3 },
	rsa: { oid: '1.2.840.113549.1.1.1', parameters: 'null', tls: 1 },
	ed25519: { oid: '1.3.101.112', parameters: 'absent', tls: undefined },
} as const satisfies Record<KeyKind, { oid: string; parameters: string; tls: number | undefined }>;

/** RFC 5480 section 2.1.1.1. A coordinate, and an order, is `bytes` long; `openssl` is the name by which OpenSSL knows it. */
export const CURVES = {
	'P-256': { oid: '1.2.840.10045.3.1.7', bytes: 32, openssl: 'prime256v1' },
	'P-384': { oid: '1.3.132.0.34', bytes: 48, openssl: 'secp384r1' },
	'P-521': { oid: '1.3.132.0.35', bytes: 66, openssl: 'secp521r1' },
} as const satisfies Record<CurveName, { oid: string; bytes: number; openssl: string }>;
const CURVES_BY_OID = new Map<string, CurveName>(
	(Object.keys(CURVES) as CurveName[]).map((curve) => [CURVES[curve].oid, curve]),
);

/** The curve with this dotted identifier, or undefined. */
export function curveWithOid(oid: string): CurveName | undefined {
	return CURVES_BY_OID.get(oid);
}

/** Smaller moduli have not been good enough for signatures since 2014 (NIST SP 800-131A): nothing under them counts. */
export const MIN_RSA_BITS = 2048;
/**
 * Keys come from strangers, and the work of an RSA check grows with the square of the modulus and with the length of the
 * exponent. 8192 bits are twice what any authority or client of ours uses, and what TLS libraries stop at as well.
 */
export const MAX_RSA_BITS = 8192;
/**
 * Nearly all keys have 65537, some old roots 3, and none that we know of has more than 32 bits. Go, in which most clients
 * of Sigstore are written, verifies with nothing above 2^31 - 1 (crypto/rsa), so that a larger one is of no use either.
 */
export const MAX_RSA_EXPONENT = 2 ** 31 - 1;

/** How certificates, requests and signed data name a signature: the kind of key and the hash, but neither curve nor size. */
export interface SignatureAlgorithm {
	/** For people, as Go writes it. */
	readonly name: string;
	/** Dotted identifier. */
	readonly oid: string;
	/** What stands in the AlgorithmIdentifier behind the identifier. */
	readonly parameters: 'absent' | 'null';
	/** Kind of key that signs so; a name that does not fit the key is a forgery or a mistake. */
	readonly key: KeyKind;
	/** What is hashed before signing; Ed25519 hashes for itself, with SHA-512. */
	readonly hash: HashAlgorithm;
}

/**
 * RFC 5758 section 3.2, RFC 4055 section 5, RFC 8410 section 3. SHA-1, MD5 and RSA-PSS are absent on purpose: no authority
 * that we trust signs so. For the one place that takes RSA-PSS see `rsa-pss`.
 */
export const SIGNATURES: readonly SignatureAlgorithm[] = [
	{ name: 'ECDSA-SHA256', oid: '1.2.840.10045.4.3.2', parameters: 'absent', key: 'ec', hash: 'SHA2_256' },
	{ name: 'ECDSA-SHA384', oid: '1.2.840.10045.4.3.3', parameters: 'absent', key: 'ec', hash: 'SHA2_384' },
	{ name: 'ECDSA-SHA512', oid: '1.2.840.10045.4.3.4', parameters: 'absent', key: 'ec', hash: 'SHA2_512' },
	{ name: 'SHA256-RSA', oid: '1.2.840.113549.1.1.11', parameters: 'null', key: 'rsa', hash: 'SHA2_256' },
	{ name: 'SHA384-RSA', oid: '1.2.840.113549.1.1.12', parameters: 'null', key: 'rsa', hash: 'SHA2_384' },
	{ name: 'SHA512-RSA', oid: '1.2.840.113549.1.1.13', parameters: 'null', key: 'rsa', hash: 'SHA2_512' },
	{ name: 'Ed25519', oid: KEYS.ed25519.oid, parameters: 'absent', key: 'ed25519', hash: 'SHA2_512' },
];
const SIGNATURES_BY_OID = new Map(SIGNATURES.map((signature) => [signature.oid, signature]));

/** RFC 4055 sections 2.2 and 3.1: RSASSA-PSS, whose hash is in its parameters, and its one mask generation function. */
export const RSA_PSS = { oid: '1.2.840.113549.1.1.10', mgf1: '1.2.840.113549.1.1.8' } as const;

/** Identifiers that are known and not in the table, with the names by which a refusal can say so. */
export const REFUSED_SIGNATURES: ReadonlyMap<string, string> = new Map([
	['1.2.840.10045.4.1', 'ECDSA-SHA1'],
	['1.2.840.113549.1.1.4', 'MD5-RSA'],
	['1.2.840.113549.1.1.5', 'SHA1-RSA'],
	[RSA_PSS.oid, 'RSAPSS'],
]);

/** The algorithm with this dotted identifier, or undefined when it is not accepted. */
export function signatureAlgorithmOf(oid: string): SignatureAlgorithm | undefined {
	return SIGNATURES_BY_OID.get(oid);
}
