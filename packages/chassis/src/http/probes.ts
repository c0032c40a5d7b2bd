/**
 * The questions of supervisors, kubelets and load balancers, which have no token: does the process live, may traffic be
 * sent here. The admin listener answers them; where that is out of their reach, so does a listener of nothing else.
 */
import { getLiveness, getReadiness } from '@chancery/wire/administration';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from '../logger.ts';
import type { Health } from '../service.ts';
import { createListener } from './listener.ts';
import { createReadiness } from './readiness.ts';

/** Under this name in `listen`, any service has such a listener. Nobody has to configure one. */
export const PROBE_LISTENER = 'probe';

export interface ProbeOptions {
	readonly logger: Logger;
	readonly health: () => Promise<Health>;
}

/** Makes a listener with `GET /healthz` and `/readyz`, open to all, and nothing else. */
export function createProbeListener({ logger, health }: ProbeOptions): FastifyInstance {
	const app = createListener({ name: PROBE_LISTENER, logger, errors: {}, family: 'problem', maxBodyBytes: 0 });
	const isReady = createReadiness(health, logger);
	mountLiveness(app);
	app.get(getReadiness.path, PROBED, async (_request, reply) => sendReadiness(app, reply, await isReady()));
	return app;
}

/** For routes that are asked every few seconds for years: their answers are no news, whatever they say. */
export const PROBED = { config: { isProbe: true } } as const;

export function mountLiveness(app: FastifyInstance): void {
	app.get(getLiveness.path, PROBED, (_request, reply) => reply.send({ status: 'SERVING' }));
}

/** `details` are for callers with a token. A process that drains is not ready, however well it is. */
export function sendReadiness(
	app: FastifyInstance,
	reply: FastifyReply,
	ready: boolean,
	details?: Health['checks'],
): FastifyReply {
	const { isDraining } = app.chassis;
	const drain = isDraining ? { drain: { ok: false, detail: 'the process was told to stop' } } : {};
	return reply
		.code(ready && !isDraining ? 200 : 503)
		.header('cache-control', 'no-store')
		.send({ ready: ready && !isDraining, ...(details ? { checks: { ...details, ...drain } } : {}) });
}
