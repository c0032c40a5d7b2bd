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

/** `ready`: traffic may be sent here. Each check says why, or why not. */
export const health = z.object({
	ready: z.boolean(),
	checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string() })),
});

export const getReadiness = route({
	method: 'GET',
	path: '/readyz',
	summary: 'Whether traffic may be sent here, and what was checked.',
	replies: { 200: health, 503: health },
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
