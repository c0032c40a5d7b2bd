/**
 * Where the identity token travels: in the body (v2) or in the Authorization header, with or without its scheme; and the
 * proof for a token that is bound to a key, in a header of its own.
 */
import type { ProvenRequest } from '@chancery/chassis/tokens/dpop-proof';
import type { FastifyRequest } from 'fastify';

/**
 * The token of the header, empty when there is none. The scheme (`Bearer`, or `DPoP`) is written in any case and followed by one or more
 * spaces (RFC 9110 section 11.1); clients that send the bare token are answered as well.
 */
export function tokenOfHeader(request: FastifyRequest): string {
	return (request.headers.authorization ?? '').replace(/^(bearer|dpop)( +|$)/i, '');
}

/** What a proof has to be for (RFC 9449): the request as its client sends it, to the public address of the route. */
export function provenRequest(
	request: FastifyRequest,
	publicUrl: string,
	{ method, path }: { readonly method: string; readonly path: string },
): ProvenRequest {
	const { dpop } = request.headers;
	// Of several headers Node makes one text, which is no proof.
	return { proof: Array.isArray(dpop) ? dpop.join() : dpop, method, url: `${publicUrl}${path}` };
}
