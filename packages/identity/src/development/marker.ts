/**
 * The mark on everything that an instance answers whose identities prove nothing: one header for programs. Pages have
 * a banner.
 */
import type { FastifyInstance } from 'fastify';

export const DEVELOPMENT_HEADER = 'x-dev-stack';

/** Set on the raw response, which the OpenID Connect provider writes without fastify. */
export function markResponses(app: FastifyInstance): void {
	app.addHook('onRequest', async (_request, reply) => {
		reply.raw.setHeader(DEVELOPMENT_HEADER, '1');
	});
}
