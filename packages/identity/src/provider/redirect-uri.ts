/**
 * Where an authorization code may be sent. Sigstore's clients share one public client id, so redirect URIs are not registered.
 * Two things make this safe: the URI never leaves the person's machine (RFC 8252 section 7.3), and PKCE. A web client has
 * one redirect URI, which is compared character by character.
 */
import type { WebClient } from '../domain/web-clients.ts';

/** "Out of band": the code is shown on a page and copied by hand. */
export const OUT_OF_BAND = 'urn:ietf:wg:oauth:2.0:oob';

/**
 * Plain http to a loopback name, any port, any path, no user part, no fragment. Matches the characters, not a parsed URL, so
 * that a browser cannot read another host than we do. Backslashes, spaces and controls, which parsers read differently, do
 * not match.
 */
const LOOPBACK =
	/^http:\/\/(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])(:\d{1,5})?([/?][\x21\x22\x24-\x5b\x5d-\x7e]*)?$/;

const MAX_CHARS = 2000;

/** The rule for all clients, as a method of the library's class of clients. */
export function redirectRule(webClients: readonly WebClient[]) {
	const pages = new Map(webClients.map(({ id, redirectUri }) => [id, redirectUri]));
	return function isAllowed(this: { readonly clientId: string }, uri: string): boolean {
		const page = pages.get(this.clientId);
		return page === undefined ? redirectUriAllowed(uri) : uri === page;
	};
}

/** True for the out-of-band URN and for URLs on the person's own machine. */
export function redirectUriAllowed(uri: string): boolean {
	if (uri === OUT_OF_BAND) return true;
	return uri.length <= MAX_CHARS && LOOPBACK.test(uri) && URL.canParse(uri);
}

/**
 * The CSP source expression that lets a form lead to `uri` after its redirects (browsers apply `form-action` to the whole
 * chain); undefined when none is needed. CSP cannot name an IPv6 address, so for that the scheme is returned.
 */
export function formTargetOf(uri: unknown, webClients: readonly WebClient[]): string | undefined {
	if (typeof uri !== 'string' || uri === OUT_OF_BAND) return undefined;
	if (!redirectUriAllowed(uri) && !webClients.some(({ redirectUri }) => redirectUri === uri)) return undefined;
	return uri.startsWith('http://[') ? 'http:' : new URL(uri).origin;
}
