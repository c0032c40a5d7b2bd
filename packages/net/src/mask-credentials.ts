/**
 * The last net before a line is shown or kept: cuts out of a text what looks like a credential, whoever put it there.
 * It knows forms, not secrets; a secret of no special form passes, so that nobody may rely on it.
 */

const MASK = '[redacted]';

/** What a compact JWS (RFC 7515) is written with, and how its first part begins. */
const JWS_RUN = /[A-Za-z0-9_.-]+/g;
const JWS_HEADER = /\beyJ[A-Za-z0-9_-]{6}/;
/** The value of an Authorization header. */
const SCHEME = /\b(Bearer|Basic|DPoP)\s+[A-Za-z0-9._~+/=-]{6,}/gi;
/** A private key in PEM, also where its end is missing or its line ends are written as escapes. */
const PRIVATE_KEY = /-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----[\s\S]*?(?:-----END \1-----|$)/g;
/** The password in a URL, whatever its scheme. */
const PASSWORD = /(:\/\/[^\s:/?#@"']*):[^\s/?#"']+@/g;

/**
 * `text` with `[redacted]` in place of tokens, Authorization values, private keys in PEM and passwords in URLs. Strangers
 * choose much of what is masked, so the time it takes grows with the length of the text and not with its square.
 */
export function maskCredentials(text: string): string {
	const withoutKeys = text.replace(PRIVATE_KEY, MASK);
	return (withoutKeys.includes('eyJ') ? withoutKeys.replace(JWS_RUN, maskJws) : withoutKeys)
		.replace(SCHEME, `$1 ${MASK}`)
		.replace(PASSWORD, `$1:${MASK}@`);
}

/** From the first part that begins like a JWS and has another one behind it, which may be cut off, to the end of the run. */
function maskJws(run: string): string {
	const parts = run.split('.');
	let start = 0;
	for (const [i, part] of parts.entries()) {
		const at = parts[i + 1] ? part.search(JWS_HEADER) : -1;
		if (at !== -1) return run.slice(0, start + at) + MASK;
		start += part.length + 1;
	}
	return run;
}
