/**
 * ECDSA over a digest by node:crypto itself, in a Node that has `crypto.verifyDigest(algorithm, digest, key, signature)`
 * (proposed in nodejs/node pull request 62345; Node 26.10 does not have it).
 */
import * as crypto from 'node:crypto';
import { HASHES } from '@chancery/core/algorithms';
import { ecSpki } from '@chancery/core/spki';
import type { EcdsaBackend } from './ecdsa-backend.ts';

type VerifyDigest = (
	algorithm: string,
	digest: Uint8Array,
	key: {
		readonly key: Uint8Array;
		readonly format: 'der';
		readonly type: 'spki';
		readonly dsaEncoding: 'der';
	},
	signature: Uint8Array,
) => unknown;

/** `source` is node:crypto; tests bring one of their own. */
export function nativeBackend(source: object = crypto): EcdsaBackend {
	const offered = (source as { readonly verifyDigest?: unknown }).verifyDigest;
	const verifyDigest = typeof offered === 'function' ? (offered as VerifyDigest) : undefined;
	return {
		name: 'native',
		isOffered: () => verifyDigest !== undefined,
		verify({ key, hash, digest, signature }) {
			const spki = { key: ecSpki(key.curve, key.ecPoint), format: 'der', type: 'spki', dsaEncoding: 'der' } as const;
			try {
				return verifyDigest?.(HASHES[hash].name, digest, spki, signature) === true;
			} catch {
				// The point is not on its curve, or the signature one of those that OpenSSL does not just call false.
				return false;
			}
		},
	};
}
