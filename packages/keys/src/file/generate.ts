/**
 * New private keys.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { signerOf } from '../private-key.ts';
import type { KeyAlgorithm, Signer } from '../signer.ts';

/** A key that lives and dies with this process: ephemeral signing keys, tests. */
export function generateSigner(algorithm: KeyAlgorithm): Signer {
	return signerOf(generatePrivateKey(algorithm), 'made in memory');
}

/** The private half alone; whoever takes it decides where it is kept. */
export function generatePrivateKey(algorithm: KeyAlgorithm): KeyObject {
	switch (algorithm) {
		case 'ecdsa-sha2-256-nistp256':
			return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
		case 'ecdsa-sha2-384-nistp384':
			return generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
		case 'ed25519':
			return generateKeyPairSync('ed25519').privateKey;
	}
}
