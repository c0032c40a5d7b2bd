/**
 * A signer over a private key that this process holds in memory.
 */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { REGISTRY } from '@chancery/core/algorithm-registry';
import { CURVES, HASHES } from '@chancery/core/algorithms';
import { KeyError } from './key-error.ts';
import { KEY_ALGORITHMS, type KeyAlgorithm, type Signer } from './signer.ts';

/** By the kind of key, and for ECDSA the curve, as OpenSSL names them. */
const BY_OPENSSL_NAME: ReadonlyMap<string, KeyAlgorithm> = new Map(
	KEY_ALGORITHMS.map((name) => {
		const { key } = REGISTRY[name];
		return [key.algorithm === 'ec' ? `ec ${CURVES[key.curve].openssl}` : key.algorithm, name];
	}),
);

/**
 * Wraps `privateKey`; `where` names it in errors (a URI or path without secrets).
 * @throws {KeyError} `unsupported-algorithm`
 */
export function signerOf(privateKey: KeyObject, where: string): Signer {
	const algorithm = algorithmOf(privateKey, where);
	// Ed25519 hashes by itself.
	const digest = algorithm === 'ed25519' ? null : HASHES[REGISTRY[algorithm].hash].name;
	const publicKey = new Uint8Array(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
	return {
		algorithm,
		publicKey,
		// In libuv's pool: a P-384 signature takes most of a millisecond, which the event loop does not have.
		sign: (message) =>
			new Promise((resolve, reject) => {
				sign(digest, message, { key: privateKey, dsaEncoding: 'der' }, (cause, signature) => {
					if (cause) reject(new KeyError('sign-failed', `the key ${where} did not sign`, { cause }));
					else resolve(new Uint8Array(signature));
				});
			}),
	};
}

function algorithmOf(key: KeyObject, where: string): KeyAlgorithm {
	const found = [key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve].filter(Boolean).join(' ');
	const algorithm = BY_OPENSSL_NAME.get(found);
	if (algorithm === undefined) {
		throw new KeyError(
			'unsupported-algorithm',
			`${where} is a key of kind '${found}'; P-256, P-384 and Ed25519 are used`,
		);
	}
	return algorithm;
}
