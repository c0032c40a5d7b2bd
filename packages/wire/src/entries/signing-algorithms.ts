/**
 * Which keys may sign entries, and with which hash. The list is the intersection of what clients can verify: a log
 * entry that no client verifies is worth nothing to its signer.
 */
import { isKeyOf, REGISTERED, type RegisteredAlgorithm, registeredAlgorithm } from '@chancery/core/algorithm-registry';
import type { PublicKeyInfo } from '@chancery/core/spki';
import { EntryRefusal } from './entry-refusal.ts';

/** Those that sign where only the digest is known: an Ed25519 key does it as Ed25519ph. */
const ALLOWED = REGISTERED.filter(({ over }) => over.includes('digest'));

/** The algorithm by which a key signs digests. @throws {EntryRefusal} `algorithm-not-allowed` for keys that are not accepted */
export function algorithmOfKey(info: PublicKeyInfo): RegisteredAlgorithm {
	const algorithm = registeredAlgorithm(info, 'digest');
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
export function algorithmOfKeyDetails(keyDetails: string, info: PublicKeyInfo): RegisteredAlgorithm {
	const algorithm = ALLOWED.find((allowed) => allowed.keyDetails === keyDetails);
	if (algorithm === undefined) {
		throw new EntryRefusal(
			'algorithm-not-allowed',
			`keyDetails ${keyDetails} is not accepted; expected one of ${allowedNames()}`,
		);
	}
	if (!isKeyOf(algorithm, info)) {
		throw new EntryRefusal(
			'algorithm-not-allowed',
			`keyDetails is ${algorithm.keyDetails} and the key is ${describeKey(info)}`,
		);
	}
	return algorithm;
}

function allowedNames(): string {
	return ALLOWED.map(({ keyDetails }) => keyDetails).join(', ');
}

function describeKey(info: PublicKeyInfo): string {
	if (info.algorithm === 'rsa') return `RSA of ${info.rsaBits} bits`;
	return info.algorithm === 'ec' ? `ECDSA on ${info.curve}` : 'Ed25519';
}
