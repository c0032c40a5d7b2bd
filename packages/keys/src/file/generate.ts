/**
 * New private keys.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { REGISTRY } from '@chancery/core/algorithm-registry';
import { signerOf } from '../private-key.ts';
import type { KeyAlgorithm, Signer } from '../signer.ts';

/** A key that lives and dies with this process: ephemeral signing keys, tests. */
export function generateSigner(algorithm: KeyAlgorithm): Signer {
	return signerOf(generatePrivateKey(algorithm), 'made in memory');
}

/** The private half alone; whoever takes it decides where it is kept. */
export function generatePrivateKey(algorithm: KeyAlgorithm): KeyObject {
	const { key } = REGISTRY[algorithm];
	return key.algorithm === 'ec'
		? generateKeyPairSync('ec', { namedCurve: key.curve }).privateKey
		: generateKeyPairSync(key.algorithm).privateKey;
}
