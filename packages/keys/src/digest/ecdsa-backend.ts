/**
 * What every way of verifying ECDSA over a bare digest looks like from outside.
 */

import type { HashAlgorithm } from '@chancery/core/sha';
import type { EcPublicKey } from '@chancery/core/spki';

export interface EcdsaQuestion {
	/** As read from outside: whether its point lies on its curve is for the backend to see. */
	readonly key: EcPublicKey;
	readonly hash: HashAlgorithm;
	/** As long as `hash` makes them. */
	readonly digest: Uint8Array;
	/** Strict DER with both numbers in range, `r` and `s`. */
	readonly signature: Uint8Array;
	readonly r: bigint;
	readonly s: bigint;
}

export const ECDSA_BACKEND_NAMES = ['native', 'shifted-key', 'noble'] as const;
export type EcdsaBackendName = (typeof ECDSA_BACKEND_NAMES)[number];

export interface EcdsaBackend {
	readonly name: EcdsaBackendName;
	/** Whether this Node has what it needs. Whether it answers right is for the self-test to find out. */
	isOffered(): boolean;
	/** Whether the signature is right. Never throws for what a stranger may have chosen. */
	verify(question: EcdsaQuestion): boolean;
}
