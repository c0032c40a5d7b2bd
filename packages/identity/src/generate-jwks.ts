/** Makes new signing keys for the two issuers, for a new instance. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';

/** Private keys (RFC 7517) per issuer. The first RS256 key of each signs; the public halves of all are published. */
export interface SigningJwks {
	readonly auth: readonly JWK[];
	readonly ci: readonly JWK[];
}

/** The size that public issuers use. Clients verify each token once, at most minutes after it was made. */
const RSA_BITS = 2048;

/**
 * Makes the keys of both issuers.
 *
 * Tokens are signed with RS256, the one algorithm that OpenID Connect requires every client to know (Core 1.0 section
 * 15.1) and that Sigstore's clients are tested with. The P-256 key of `auth` signs no tokens: it signs the trust report,
 * and because it is published in the issuer's key set, the report can be traced to the issuer.
 */
export async function generateSigningJwks(): Promise<{ auth: JWK[]; ci: JWK[] }> {
	const [tokens, reports, ci] = await Promise.all([newJwk('RS256'), newJwk('ES256'), newJwk('RS256')]);
	return { auth: [tokens, reports], ci: [ci] };
}

/** A private JWK with `kid` (RFC 7638 thumbprint), `alg` and `use`. */
async function newJwk(alg: 'RS256' | 'ES256'): Promise<JWK> {
	const { privateKey } = await generateKeyPair(alg, {
		extractable: true,
		...(alg === 'RS256' ? { modulusLength: RSA_BITS } : {}),
	});
	const jwk = await exportJWK(privateKey);
	return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg, use: 'sig' };
}
