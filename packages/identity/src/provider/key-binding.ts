/**
 * Tokens that are bound to a key of the client (DPoP, RFC 9449). A token is a bearer secret for the certificate authority; one
 * with a confirmation (`cnf`, RFC 7800) is only good together with a proof by the key that it names. Clients that send no
 * proof get bearer tokens as ever: Sigstore's do not know DPoP.
 */
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';

/**
 * The library checks a proof (section 4.3) and binds the access token. No nonces (section 8): they would have to be the same
 * in all replicas, and a code, which each proof here comes with, is fresh already.
 */
export const DPOP_FEATURE: NonNullable<NonNullable<Configuration['features']>['dPoP']> = { enabled: true };

/** Signature algorithms of proofs, asymmetric only (section 11.6). Browsers have the first. */
export const DPOP_ALGORITHMS = ['ES256', 'Ed25519', 'EdDSA'] as const;

export interface Confirmation {
	/** RFC 7638 thumbprint (SHA-256, base64url) of the key. */
	readonly cnf?: { readonly jkt: string };
}

/**
 * The confirmation of the access token that this request is about to get, for the ID token beside it: whoever steals the
 * answer shall find nothing in it that works without the key.
 */
export function confirmationOf(ctx: KoaContextWithOIDC): Confirmation {
	const jkt = ctx.oidc.entities.AccessToken?.jkt;
	return jkt === undefined ? {} : { cnf: { jkt } };
}
