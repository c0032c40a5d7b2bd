/**
 * What a kind asks of whoever takes an entry: to verify the signatures in it. The log has this done by a queue that is
 * bounded by the work in it; `keys/checks` has the same form.
 */
import type { Certificate } from '@chancery/core/certificate';
import type { HashAlgorithm } from '@chancery/core/sha';
import type { PublicKeyInfo } from '@chancery/core/spki';

/** A signature that a key made. */
export interface SignatureToCheck {
	readonly key: {
		/** DER of the SubjectPublicKeyInfo. */
		readonly spki: Uint8Array;
		/** What `parseSpki` makes of it. */
		readonly info: PublicKeyInfo;
	};
	readonly signature: Uint8Array;
	readonly hash: HashAlgorithm;
	/** The signed message, or its digest with `hash` where only that is known (Ed25519 is then Ed25519ph). */
	readonly over: { readonly message: Uint8Array } | { readonly digest: Uint8Array };
}

/** Leaf first; at least one issuer behind it. */
export type CertificateChain = readonly [leaf: Certificate, ...issuers: Certificate[]];

/** The signatures by which certificates name their issuers. */
export interface ChainToCheck {
	readonly chain: CertificateChain;
}

/** Whether everything in the check verifies. What it throws when it could not look goes through a kind as it is. */
export type CheckSignature = (check: SignatureToCheck | ChainToCheck) => Promise<boolean>;
