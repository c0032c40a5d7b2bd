/**
 * Which keys may sign entries, and with which hash. The list is the intersection of what clients can verify: a log
 * entry that no client verifies is worth nothing to its signer.
 */
import type { HashAlgorithm } from '@chancery/core/sha';
import type { PublicKeyInfo } from '@chancery/core/spki';
import { EntryRefusal } from './entry-refusal.ts';

/** Name of a signing algorithm as Sigstore's PublicKeyDetails has it, and its hash. */
interface SigningAlgorithm {
	readonly name: string;
	readonly hash: HashAlgorithm;
	readonly isKeyOf: (info: PublicKeyInfo) => boolean;
}

const ec = (curve: string) => (info: PublicKeyInfo) => info.algorithm === 'ec' && info.curve === curve;
const rsa = (bits: number) => (info: PublicKeyInfo) => info.algorithm === 'rsa' && info.rsaBits === bits;

/** An Ed25519 key signs a digest as Ed25519ph (RFC 8032 section 5.1), which is defined for SHA-512 only. */
const ALLOWED: readonly SigningAlgorithm[] = [
	{ name: 'PKIX_ECDSA_P256_SHA_256', hash: 'SHA2_256', isKeyOf: ec('P-256') },
	{ name: 'PKIX_ECDSA_P384_SHA_384', hash: 'SHA2_384', isKeyOf: ec('P-384') },
	{ name: 'PKIX_ECDSA_P521_SHA_512', hash: 'SHA2_512', isKeyOf: ec('P-521') },
	{ name: 'PKIX_ED25519_PH', hash: 'SHA2_512', isKeyOf: (info) => info.algorithm === 'ed25519' },
	{ name: 'PKIX_RSA_PKCS1V15_2048_SHA256', hash: 'SHA2_256', isKeyOf: rsa(2048) },
	{ name: 'PKIX_RSA_PKCS1V15_3072_SHA256', hash: 'SHA2_256', isKeyOf: rsa(3072) },
	{ name: 'PKIX_RSA_PKCS1V15_4096_SHA256', hash: 'SHA2_256', isKeyOf: rsa(4096) },
];

/** The algorithm by which a key signs digests. @throws {EntryRefusal} `algorithm-not-allowed` for keys that are not accepted */
export function algorithmOfKey(info: PublicKeyInfo): SigningAlgorithm {
	const algorithm = ALLOWED.find((candidate) => candidate.isKeyOf(info));
	if (algorithm === undefined) {
		throw new EntryRefusal(
			'algorithm-not-allowed',
			`the key is ${describeKey(info)}; expected a key for one of ${allowedNames()}`,
		);
	}
	return algorithm;
}

/**
 * The algorithm that a v2 request names, for a key that must fit it.
 * @throws {EntryRefusal} `algorithm-not-allowed`
 */
export function algorithmOfKeyDetails(keyDetails: string, info: PublicKeyInfo): SigningAlgorithm {
	const algorithm = ALLOWED.find(({ name }) => keyDetails === name);
	if (algorithm === undefined) {
		throw new EntryRefusal(
			'algorithm-not-allowed',
			`keyDetails ${keyDetails} is not accepted; expected one of ${allowedNames()}`,
		);
	}
	if (!algorithm.isKeyOf(info)) {
		throw new EntryRefusal(
			'algorithm-not-allowed',
			`keyDetails is ${algorithm.name} and the key is ${describeKey(info)}`,
		);
	}
	return algorithm;
}

function allowedNames(): string {
	return ALLOWED.map(({ name }) => name).join(', ');
}

function describeKey(info: PublicKeyInfo): string {
	if (info.algorithm === 'rsa') return `RSA of ${info.rsaBits} bits`;
	return info.algorithm === 'ec' ? `ECDSA on ${info.curve}` : 'Ed25519';
}
