/**
 * What a signer and the process that holds its PKCS#11 module say to each other. Nothing that comes back holds the PIN or
 * the path of the module.
 */
import type { KeyErrorCode } from '../key-error.ts';
import type { Pkcs11Uri } from './pkcs11-uri.ts';

export type Pkcs11Algorithm = 'P-256' | 'P-384' | 'Ed25519';

export type Pkcs11Request =
	/** Once, and first: loads the module, logs in, finds the key. */
	| {
			readonly kind: 'open';
			readonly uri: Pkcs11Uri;
			readonly pin: string | undefined;
			readonly sessions: number;
	  }
	/** `data`: the digest for ECDSA, the message for Ed25519. */
	| { readonly kind: 'sign'; readonly id: number; readonly data: Uint8Array };

/** A public half as the token keeps it, to be read by who asked. */
export type FoundPublicKey =
	/** CKA_EC_POINT. */
	| { readonly from: 'point'; readonly point: Uint8Array }
	/** CKA_VALUE of an X.509 certificate. */
	| { readonly from: 'certificate'; readonly der: Uint8Array };

export interface OpenedToken {
	readonly kind: 'opened';
	readonly algorithm: Pkcs11Algorithm;
	/** Those that the token keeps under the name of the private key. Only a signature shows which is its own. */
	readonly publicKeys: readonly FoundPublicKey[];
	/** How many signatures may be under way; fewer than wanted where the token grants no more sessions. */
	readonly sessions: number;
}

export type Pkcs11Reply =
	| OpenedToken
	| { readonly kind: 'refused'; readonly code: KeyErrorCode; readonly message: string }
	/** `signature` as the module makes it: r and s, or the 64 bytes of Ed25519. */
	| { readonly kind: 'signed'; readonly id: number; readonly signature: Uint8Array }
	/** `reason`: the name of the return value, such as CKR_SESSION_CLOSED. */
	| { readonly kind: 'failed'; readonly id: number; readonly reason: string };
