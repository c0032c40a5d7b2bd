/** Why a TLS connection was refused by our side, in words that say what to do. */

/** Codes of OpenSSL's chain verification (X509_verify_cert_error_string) and of the runtime. */
const UNTRUSTED = new Set([
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
	'UNABLE_TO_GET_ISSUER_CERT',
	'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
	'SELF_SIGNED_CERT_IN_CHAIN',
	'DEPTH_ZERO_SELF_SIGNED_CERT',
	'CERT_UNTRUSTED',
	'CERT_REJECTED',
	'INVALID_CA',
	'CERT_SIGNATURE_FAILURE',
]);
/** What a TLS client calls the answer of a server that speaks plain HTTP. */
const NOT_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'EPROTO']);
const MAX_CAUSES = 8;

/** `host` is name and port. Returns undefined when `error`, with its causes, is about something else. */
export function explainTlsFailure(error: unknown, host: string): string | undefined {
	let at: unknown = error;
	for (let depth = 0; depth < MAX_CAUSES && at instanceof Error; depth++) {
		const words = explain(at, host);
		if (words !== undefined) return words;
		at = at.cause;
	}
	return undefined;
}

function explain(error: Error, host: string): string | undefined {
	const code = String((error as { code?: unknown }).code);
	if (UNTRUSTED.has(code))
		return `the TLS certificate of ${host} comes from no authority that is trusted here (${code}); if that is a private one, name its PEM file in SSL_CERT_FILE`;
	if (code === 'CERT_HAS_EXPIRED') return `the TLS certificate of ${host} has expired, or the clock here is wrong`;
	if (code === 'CERT_NOT_YET_VALID')
		return `the TLS certificate of ${host} is not valid yet, or the clock here is wrong`;
	if (code === 'ERR_TLS_CERT_ALTNAME_INVALID' || code === 'HOSTNAME_MISMATCH')
		return `the TLS certificate of ${host} is one for other names; use the name that it has, or look who answers there`;
	if (NOT_TLS.has(code)) return `${host} does not speak TLS as we do (${code}); is https the right scheme?`;
	return undefined;
}
