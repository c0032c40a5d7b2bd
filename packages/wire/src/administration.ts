/** What the admin listener of every service has, whatever the service. The routes of its own are in its family's file. */
import { z } from 'zod';
import { route } from './route.ts';

export const getLiveness = route({
	method: 'GET',
	path: '/healthz',
	summary: 'Whether the process answers. Needs no token, so that a supervisor needs none.',
	replies: { 200: z.object({ status: z.literal('SERVING') }) },
	bearer: false,
});

/** `ready`: traffic may be sent here. Each check says why, or why not; only a caller with a token is told of them. */
export const readiness = z.object({
	ready: z.boolean(),
	checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })).optional(),
});

export const getReadiness = route({
	method: 'GET',
	path: '/readyz',
	summary: 'Whether traffic may be sent here. Open to probes; a caller with a token is also told what was checked.',
	replies: { 200: readiness, 503: readiness },
	bearer: 'optional',
});

export const getMetrics = route({
	method: 'GET',
	path: '/metrics',
	summary: 'All series of the service in the text format of Prometheus.',
	replies: { 200: 'text' },
	replyType: 'text/plain; version=0.0.4; charset=utf-8',
});

/** Operation id -> route. */
export const ADMIN_ROUTES = { getLiveness, getReadiness, getMetrics };
