/**
 * The last net before a line is shown or kept: cuts out of a text what looks like a credential, whoever put it there.
 * It knows forms, not secrets; a secret of no special form passes, so that nobody may rely on it.
 */

const MASK = '[redacted]';

/** Compact JWS (RFC 7515), also cut off after its claims. */
const JWT = /\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)*/g;
/** The value of an Authorization header. */
const SCHEME = /\b(Bearer|Basic|DPoP)\s+[A-Za-z0-9._~+/=-]{6,}/gi;
/** A private key in PEM, also where its end is missing or its line ends are written as escapes. */
const PRIVATE_KEY = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g;
/** The password in a URL. */
const PASSWORD = /\b([a-z][a-z0-9+.-]*:\/\/[^\s:/?#@"']*):[^\s/?#"']+@/gi;

/** `text` with `[redacted]` in place of tokens, Authorization values, private keys in PEM and passwords in URLs. */
export function maskCredentials(text: string): string {
	return text
		.replace(PRIVATE_KEY, MASK)
		.replace(JWT, MASK)
		.replace(SCHEME, `$1 ${MASK}`)
		.replace(PASSWORD, `$1:${MASK}@`);
}
