/** Makes new signing keys for the two issuers: for a new instance, and the next one in a rotation. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { PUBLISH_AFTER_SECONDS, PUBLISH_BEFORE_SECONDS, type ScheduledJwk, signsFrom } from './domain/key-schedule.ts';

/** Private keys (RFC 7517) per issuer. The first RS256 key of each signs; the public halves of all are published. */
export interface SigningJwks {
	readonly auth: readonly ScheduledJwk[];
	readonly ci: readonly ScheduledJwk[];
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

export interface Rotation {
	readonly jwks: SigningJwks;
	/** When the next key begins to sign, Unix seconds. */
	readonly signsFrom: number;
	readonly kid: string;
	/** False: a next key was there already, and nothing changed. */
	readonly isNew: boolean;
}

/**
 * Plans the next key of an issuer: published at once, it signs in 15 minutes; those before are published for another 15. Keys
 * whose time is over are dropped. While a planned key has not begun, a repeat changes nothing.
 */
export async function planRotation(jwks: SigningJwks, issuer: keyof SigningJwks, nowMs: number): Promise<Rotation> {
	const now = Math.floor(nowMs / 1000);
	const tokenKeys = jwks[issuer].filter(({ kty }) => kty === 'RSA');
	const coming = tokenKeys.find((key) => signsFrom(key) > now);
	if (coming) return { jwks, signsFrom: signsFrom(coming), kid: coming.kid ?? '', isNew: false };
	const begins = now + PUBLISH_BEFORE_SECONDS;
	const next = { ...(await newJwk('RS256')), nbf: begins };
	const exp = begins + PUBLISH_AFTER_SECONDS;
	const kept = jwks[issuer]
		.filter((key) => typeof key.exp !== 'number' || key.exp > now)
		// The key of the reports signs no tokens and stays.
		.map((key) => (key.kty === 'RSA' && typeof key.exp !== 'number' ? { ...key, exp } : key));
	return { jwks: { ...jwks, [issuer]: [...kept, next] }, signsFrom: begins, kid: next.kid ?? '', isNew: true };
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
