/**
 * URIs of workflows in certificates (RFC 3986; RFC 5280 section 4.2.1.6 wants IA5String).
 *
 * Policies are written for names as Fulcio writes them, and verifiers compare them byte for byte. Fulcio joins the URL
 * of the server and the reference with Go's `url.URL.JoinPath`; `testdata/` holds what that yields for every character
 * and more. So a `#` in the name of a branch is `%23` and does not begin a fragment, `//` and `/./` are `/`, and where
 * anything needs an escape, everything is decoded first and then escaped anew.
 *
 * Two refusals are ours. With a broken escape Go loses the whole path, and all such workflows would have one name. And
 * `..` would turn the name of one workflow into that of another; no reference of git holds it (git-check-ref-format).
 * Different references can still have one name (`a#b` and `a%23b`): the extensions hold them as they are.
 */

import { quote, refuseToken } from '@chancery/chassis/tokens/token-errors';
import { concatBytes, utf8 } from '@chancery/core/bytes';

/** What a base URL may be: it is a part of each name, so that there is nothing in it that anyone writes differently. */
export const BASE_URL =
	/^(https?):\/\/((?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?)((?:\/[A-Za-z0-9._~%-]+)*)$/i;

/** A path of these alone stays as it is (RFC 3986 section 3.3, and brackets). */
const PLAIN = /^[A-Za-z0-9\-._~!$&'()*+,;=:@[\]%/]*$/;
/** Kept when a path is escaped. */
const KEPT = /[A-Za-z0-9\-._~$&+,/:;=@]/;

/**
 * The name of what `reference` names at the server with this base URL.
 * @throws {DomainError} `claim-malformed` for a reference with control characters, a broken escape or `..`
 */
export function subjectUri(base: string, reference: string): string {
	const malformed = (what: string) => refuseToken('claim-malformed', `${quote(reference)} is no reference: ${what}`);
	const [, scheme, authority, basePath] = BASE_URL.exec(base) ?? [];
	if (scheme === undefined) throw new Error(`${base} is no base URL of references`);
	if (/\p{Cc}/u.test(reference) || !reference.isWellFormed()) throw malformed('it holds control characters');
	if (/%(?![0-9A-Fa-f]{2})/.test(reference)) throw malformed('a percent sign starts no escape');
	const segments = `${basePath}/${reference}`.split('/').filter((segment) => segment !== '' && segment !== '.');
	if (segments.includes('..')) throw malformed("it holds '..'");
	const closing = segments.length === 0 || reference.endsWith('/') ? '/' : '';
	const path = segments.map((segment) => `/${segment}`).join('') + closing;
	return `${scheme.toLowerCase()}://${authority}${PLAIN.test(path) ? path : escapePath(unescapePath(path))}`;
}

function unescapePath(path: string): Uint8Array {
	const parts = path.split(/(%[0-9A-Fa-f]{2})/);
	return concatBytes(...parts.map((part, i) => (i % 2 === 1 ? Uint8Array.fromHex(part.slice(1)) : utf8(part))));
}

function escapePath(path: Uint8Array): string {
	return Array.from(path, (byte) => {
		const character = String.fromCharCode(byte);
		return KEPT.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
	}).join('');
}
