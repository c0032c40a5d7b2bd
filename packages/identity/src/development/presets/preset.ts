/**
 * The interface of a preset: the claims of the tokens of one real system, so that its identities can be tried without it.
 * The values are made up; names, forms and types are those of the system's documentation. What depends on another claim
 * is derived from it, so that one given claim changes all that a real token would say differently.
 */

export type Claims = Readonly<Record<string, unknown>>;

export interface TokenPreset {
	/**
	 * Returns all claims but those that every issuer sets (`iss`, `aud`, `iat`, `exp`, `jti`). Given claims are kept.
	 * @throws {DomainError} `invalid-request` when a given claim has not the form that the others are derived from
	 */
	claims(given: Claims): Claims;
	/** Seconds by which the system sets `nbf` back before `iat`; undefined: its tokens have no `nbf`. */
	readonly backdateSeconds?: number;
	/** Whether `aud` is a list also when it has one member (RFC 7519 section 4.1.3 allows both). */
	readonly hasAudienceList?: boolean;
}

/** The given claim when it is a text, else `otherwise`. */
export function textClaim(given: Claims, name: string, otherwise: string): string {
	const value = given[name];
	return typeof value === 'string' ? value : otherwise;
}
