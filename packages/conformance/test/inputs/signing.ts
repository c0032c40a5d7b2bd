/** Fresh keys and signatures for examples: what a client that uses its key once would send. */
import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { pemOf } from './hostile-keys.ts';

export const freshKey = (namedCurve = 'P-256'): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;

export const spkiOf = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' });

/** Base64 of the PEM of the public key, as the v1 log takes it. */
export const pemBase64Of = (spki: Uint8Array): string => Buffer.from(pemOf('PUBLIC KEY', spki)).toString('base64');

/**
 * A signature whose base64 has padding and a character that the URL-safe alphabet spells differently, so that each other
 * spelling of it really is another text.
 */
export function tellingSignature(key: KeyObject, message: Uint8Array, hash: string | null = 'sha256'): Buffer {
	for (;;) {
		const signature = sign(hash, message, key);
		// Only ECDSA makes another one at the next try.
		if (key.asymmetricKeyType !== 'ec' || /[+/].*=$/.test(signature.toString('base64'))) return signature;
	}
}
