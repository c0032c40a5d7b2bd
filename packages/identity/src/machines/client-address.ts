/** Where a request of the provider came from. */
import type { KoaContextWithOIDC } from 'oidc-provider';

/** As the connection shows it: forwarding headers are what a client writes. Empty for a Unix socket. */
export function clientAddress(ctx: Pick<KoaContextWithOIDC, 'req'>): string {
	return ctx.req.socket.remoteAddress ?? '';
}
