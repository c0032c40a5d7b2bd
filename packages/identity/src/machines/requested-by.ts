/** Who sends a request of the provider, for the record. */
import type { KoaContextWithOIDC } from 'oidc-provider';

export interface Requester {
	/** Empty when the request names no client that there is. */
	readonly clientId: string;
	/** As the connection shows it: forwarding headers are what a client writes. Empty for a Unix socket. */
	readonly clientAddress: string;
	/** As in the answer, and in every line of the log about the request. */
	readonly requestId: string;
}

export function requestedBy(ctx: KoaContextWithOIDC): Requester {
	return {
		clientId: ctx.oidc.client?.clientId ?? '',
		clientAddress: ctx.req.socket.remoteAddress ?? '',
		requestId: String(ctx.res.getHeader('x-request-id') ?? ''),
	};
}
