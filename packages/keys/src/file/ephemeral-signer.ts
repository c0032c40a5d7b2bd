/**
 * A P-256 key that lives and dies with one signature. It signs messages like any other, and digests of messages that
 * nobody can hold in memory: node:crypto always hashes by itself, so these signatures come from @noble/curves
 * (RFC 6979, no randomness that could fail). Whoever uses one verifies the result, as for every other signer.
 */
import { p256 } from '@noble/curves/nist.js';
import { signerOf } from '../private-key.ts';
import type { Signer } from '../signer.ts';
import { generatePrivateKey } from './generate.ts';

export interface EphemeralSigner extends Signer {
	/** ASN.1 DER `Ecdsa-Sig-Value` over a message whose SHA-256 is `digest`. @throws {RangeError} unless it has 32 bytes */
	signDigest(digest: Uint8Array): Uint8Array;
}

export function generateEphemeralSigner(): EphemeralSigner {
	const privateKey = generatePrivateKey('ecdsa-sha2-256-nistp256');
	return {
		...signerOf(privateKey, 'made in memory'),
		signDigest(digest) {
			if (digest.length !== 32) throw new RangeError(`SHA-256 has 32 bytes, not ${digest.length}`);
			const { d = '' } = privateKey.export({ format: 'jwk' });
			const scalar = Uint8Array.fromBase64(d, { alphabet: 'base64url' });
			try {
				return p256.sign(digest, scalar, { prehash: false, format: 'der' });
			} finally {
				scalar.fill(0);
			}
		},
	};
}
