/**
 * Where the identity token travels: in the body (v2) or in the Authorization header, with or without its scheme.
 */
import type { FastifyRequest } from 'fastify';

/**
 * The token of the header, empty when there is none. The scheme is written in any case and followed by one or more
 * spaces (RFC 9110 section 11.1); clients that send the bare token are answered as well.
 */
export function tokenOfHeader(request: FastifyRequest): string {
	return (request.headers.authorization ?? '').replace(/^bearer( +|$)/i, '');
}
