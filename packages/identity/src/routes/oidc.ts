/** Mounts the OpenID Connect provider below the path of its issuer. */
import { AUTH_PATH } from '@chancery/wire/identity';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { IdentityConfig } from '../config.ts';
import type { ServingProvider } from '../provider/live-provider.ts';
import { replayRequest } from '../provider/replay.ts';
import { refuseForeignPages } from './interaction.ts';

/** Where a browser goes; the others are for programs, which may reach us by another name. */
const PAGES = /^\/auth\/(auth|device(?!\/code$))(\/|$)/;

/**
 * Requests below `/auth` without a route of their own go to the provider, which writes the raw response and its own errors (OAuth
 * 2.0 JSON, or a page for a browser).
 */
export function mountProvider(app: FastifyInstance, provider: ServingProvider, config: IdentityConfig): void {
	const handle = provider.callback();
	const options = { publicHost: new URL(config.publicUrl).host, clients: config.clients };
	const forward = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
		const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
		reply.hijack();
		// The provider bypasses fastify, which would have set these headers.
		reply.raw.setHeader('x-request-id', request.id);
		reply.raw.setHeader('x-content-type-options', 'nosniff');
		await handle(replayRequest(request.raw, body, options), reply.raw);
		return reply;
	};
	app.route({
		method: ['GET', 'HEAD', 'POST', 'OPTIONS'],
		url: `${AUTH_PATH}/*`,
		handler: async (request, reply) => {
			if (!PAGES.test(request.url.split('?', 1)[0] ?? '')) return forward(request, reply);
			refuseForeignPages(request, config);
			return forward(request, reply);
		},
	});
}
