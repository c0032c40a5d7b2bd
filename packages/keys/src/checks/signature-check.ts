/** What can be asked of the queue of checks: a signature that one key made, or those of a certificate chain. */
import type { HashAlgorithm } from '@chancery/core/sha';
import type { PublicKeyInfo } from '@chancery/core/spki';
import type { CertificateChain } from './certificate-chain.ts';

/** A key as both the estimate and the check need it. */
export interface CheckedKey {
	/** DER of the SubjectPublicKeyInfo. */
	readonly spki: Uint8Array;
	/** What `parseSpki` makes of it. */
	readonly info: PublicKeyInfo;
}

/** A signature that a key made. */
export interface SignatureCheck {
	readonly key: CheckedKey;
	readonly signature: Uint8Array;
	readonly hash: HashAlgorithm;
	/** The signed message, or its digest with `hash` where only that is known (Ed25519 is then Ed25519ph). */
	readonly over: { readonly message: Uint8Array } | { readonly digest: Uint8Array };
}

/** The signatures by which certificates name their issuers. */
export interface ChainCheck {
	readonly chain: CertificateChain;
}
