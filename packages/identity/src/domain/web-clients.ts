/**
 * Web pages that sign with the identity of their visitor. Such a page is a public client (RFC 6749 section 2.1): its code is
 * readable by everyone, so it has no secret. What protects a code on its way to the page is the exact redirect URI and PKCE.
 */
import { SIGSTORE_AUDIENCE } from '@chancery/wire/identity';
import { z } from 'zod';

export interface WebClient {
	readonly id: string;
	/** Exactly this address gets codes (RFC 9700 section 2.1). */
	readonly redirectUri: string;
}

const LOOPBACK_HOST = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;
/** The host becomes part of a content security policy, where `*`, `;` and `,` have a meaning. */
const PLAIN_HOST = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*|\[::1\])$/;

/** True for https, or http on loopback; written as a browser writes it, so that both compare the same characters. */
function isPageAddress(text: string): boolean {
	if (!URL.canParse(text) || text.includes('*')) return false;
	const url = new URL(text);
	if (url.href !== text || url.hash !== '' || text.endsWith('#') || url.username !== '' || url.password !== '')
		return false;
	if (!PLAIN_HOST.test(url.hostname)) return false;
	return url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK_HOST.test(url.hostname));
}

/** Pages that may ask for tokens; each id stands once. */
export const webClientsSchema = z
	.array(
		z.strictObject({
			id: z
				.string()
				.regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces')
				.max(200)
				.describe(
					'Client id of the page, and `aud` of its ID tokens; its access tokens are for the certificate authority.',
				),
			redirectUri: z
				.string()
				.max(2000)
				.refine(isPageAddress, {
					message:
						'expected an https address (http on loopback) such as https://sign.example.com/sign/callback, with its path, without user, fragment and *',
				})
				.describe('Address of the page to which codes go, exactly: https, or http on loopback.'),
		}),
	)
	.max(32)
	.refine((clients) => new Set(clients.map(({ id }) => id)).size === clients.length, {
		message: 'two web clients have the same id',
	});

/** The origin from which the page of a client calls the token endpoint. */
export function originOf({ redirectUri }: WebClient): string {
	return new URL(redirectUri).origin;
}

/**
 * The audience of access tokens. Programs present a token to the certificate authority under their own id, which is
 * `sigstore` for all of Sigstore's. A page has an id of its own, which the authority does not know: its access token is for
 * the authority, and its ID token for the page.
 */
export function accessTokenAudience(webClients: readonly WebClient[], clientId: string): string {
	return webClients.some(({ id }) => id === clientId) ? SIGSTORE_AUDIENCE : clientId;
}
