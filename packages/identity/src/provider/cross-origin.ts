/**
 * Which pages of other sites may call the provider (the Fetch standard's CORS protocol). Everyone may read what is public:
 * discovery and keys. The token endpoint answers a web client at the origin of its redirect URI, and no other page: a page
 * that has got hold of somebody's code could otherwise redeem it in the browser of its victim.
 */
import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import { originOf, type WebClient } from '../domain/web-clients.ts';

const REQUEST_HEADERS = 'accept, authorization, content-type, dpop, x-request-id';
/** `dpop-nonce` and `www-authenticate` are RFC 9449's; the others are ours on every interface. */
const EXPOSED_HEADERS = 'dpop-nonce, www-authenticate, retry-after, x-request-id';
const PREFLIGHT_SECONDS = 3600;

/** For `clientBasedCORS`: whether pages of `origin` may redeem codes of this client. */
export function isOwnOrigin(
	webClients: readonly WebClient[],
	origin: string,
	client: Pick<Client, 'clientId'>,
): boolean {
	return webClients.some((each) => each.id === client.clientId && originOf(each) === origin);
}

/**
 * Middleware in front of the library, which would answer every preflight, and would let every origin read why it did not
 * know a client.
 */
export function crossOrigin(webClients: readonly WebClient[]) {
	const origins = new Set(webClients.map(originOf));
	return async (ctx: KoaContextWithOIDC, next: () => Promise<void>): Promise<void> => {
		const origin = ctx.get('origin');
		const isPublic = ctx.path.startsWith('/.well-known/') || ctx.path === '/keys';
		if (ctx.method === 'OPTIONS') {
			const allowed = isPublic ? '*' : ctx.path === '/token' && origins.has(origin) ? origin : undefined;
			ctx.vary('Origin');
			ctx.status = allowed === undefined ? 403 : 204;
			if (allowed === undefined) return;
			ctx.set({
				'access-control-allow-origin': allowed,
				'access-control-allow-methods': isPublic ? 'GET' : 'POST',
				'access-control-allow-headers': REQUEST_HEADERS,
				'access-control-max-age': String(PREFLIGHT_SECONDS),
			});
			return;
		}
		// Set here, the library leaves it alone. Without the origin in it, caches may give one answer to all.
		if (isPublic) ctx.set('access-control-allow-origin', '*');
		await next();
		if (isPublic) return;
		// The library has set this for every origin, and removed it again where `isOwnOrigin` said no; before it knew the client
		// it could not ask.
		if (!origins.has(origin)) ctx.remove('access-control-allow-origin');
		if (ctx.res.hasHeader('access-control-allow-origin')) ctx.set('access-control-expose-headers', EXPOSED_HEADERS);
		else ctx.remove('access-control-expose-headers');
	};
}
