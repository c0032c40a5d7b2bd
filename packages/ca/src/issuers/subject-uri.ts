/**
 * URIs in certificates (RFC 3986; RFC 5280 section 4.2.1.6 wants IA5String).
 *
 * A verifier compares the text of the name with the text it expects, so that nothing may be rewritten beyond what
 * encoding demands: the rules of WHATWG `URL` (dropping `..`, default ports, case) would change who was certified.
 * What stays, what is percent-encoded and what is refused follows the upstream authority, whose names policies hold.
 */
import { utf8 } from '@chancery/core/bytes';
import { quote, refuse } from '../domain/refusal.ts';

/** Allowed as they are in a path or fragment that needs no encoding (RFC 3986 section 3.3, and brackets). */
const PLAIN = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/[\]?%]*$/;
/** Kept when a path needs encoding; everything else of it is then percent-encoded. */
const KEPT_IN_PATH = /[A-Za-z0-9\-._~$&+,/:;=@]/;
const KEPT_IN_FRAGMENT = /[A-Za-z0-9\-._~!()*$&+,/:;=?@]/;

/**
 * The form of a URI that goes into the certificate: ASCII, with spaces and non-ASCII characters percent-encoded.
 * @throws DomainError `claim-malformed` when it has no scheme and host, a broken escape or a control character.
 */
export function subjectUri(text: string): string {
	const malformed = (what: string) => refuse('claim-malformed', `${quote(text)} is no URI for a certificate: ${what}`);
	if (/\p{Cc}/u.test(text) || !text.isWellFormed()) throw malformed('it holds control characters');
	const parts = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(?:#(.*))?$/s.exec(text);
	if (!parts) throw malformed('a scheme and a host are needed');
	const [, scheme = '', host = '', path = '', query = '', fragment] = parts;
	if (!/^[A-Za-z0-9._~:@[\]-]+$/.test(host))
		throw malformed('the host is not made of letters, digits, dots and dashes');
	const encode = (part: string, kept: RegExp) => {
		if (/%(?![0-9A-Fa-f]{2})/.test(part)) throw malformed('a percent sign starts no escape');
		return PLAIN.test(part) ? part : escapeBytes(part, kept);
	};
	// A query is kept as it came; only what IA5String or a URI cannot hold at all is encoded.
	const queryText = query.replace(/[^\x21-\x7e]/gu, percentEncode);
	const fragmentText = fragment === undefined ? '' : `#${encode(fragment, KEPT_IN_FRAGMENT)}`;
	return `${scheme.toLowerCase()}://${host}${encode(path, KEPT_IN_PATH)}${queryText}${fragmentText}`;
}

/**
 * Percent-encodes what is not kept. Escapes stay as they are: upstream decodes them at this point, so that a file named
 * `a%40refs...` could put an `@refs` of its own choice in front of the true one.
 */
function escapeBytes(part: string, kept: RegExp): string {
	return part.replace(/%[0-9A-Fa-f]{2}|[\s\S]/gu, (unit) =>
		unit.startsWith('%') || kept.test(unit) ? unit : percentEncode(unit),
	);
}

function percentEncode(character: string): string {
	return Array.from(utf8(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}
