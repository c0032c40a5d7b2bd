/**
 * A signer over a private key that this process holds in memory.
 */
import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { KeyError } from './key-error.ts';
import type { KeyAlgorithm, Signer } from './signer.ts';

/** Message digest by algorithm; Ed25519 hashes by itself. */
const DIGESTS: Readonly<Record<KeyAlgorithm, string | null>> = {
	'ecdsa-sha2-256-nistp256': 'sha256',
	'ecdsa-sha2-384-nistp384': 'sha384',
	ed25519: null,
};

/** OpenSSL's curve names. */
const CURVES: Readonly<Record<string, KeyAlgorithm>> = {
	prime256v1: 'ecdsa-sha2-256-nistp256',
	secp384r1: 'ecdsa-sha2-384-nistp384',
};

/**
 * Wraps `privateKey`; `where` names it in errors (a URI or path without secrets).
 * @throws KeyError `unsupported-algorithm`
 */
export function signerOf(privateKey: KeyObject, where: string): Signer {
	const algorithm = algorithmOf(privateKey, where);
	const digest = DIGESTS[algorithm];
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
	if (key.asymmetricKeyType === 'ed25519') return 'ed25519';
	const curve = key.asymmetricKeyDetails?.namedCurve ?? '';
	const algorithm = key.asymmetricKeyType === 'ec' ? CURVES[curve] : undefined;
	if (algorithm === undefined) {
		const found = [key.asymmetricKeyType, curve].filter(Boolean).join(' ');
		throw new KeyError(
			'unsupported-algorithm',
			`${where} is a key of kind '${found}'; P-256, P-384 and Ed25519 are used`,
		);
	}
	return algorithm;
}
