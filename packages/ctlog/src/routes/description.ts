/** GET /log.v3.json, and on the admin listener GET /admin/v1/trust: what this log says about itself. */
import { READERS } from '@chancery/chassis/http/admin';
import { mount } from '@chancery/chassis/http/mount';
import { getLogDescription, type LogDescription } from '@chancery/wire/ct';
import { getTrustReport, type TrustReport } from '@chancery/wire/trust-report';
import type { FastifyInstance } from 'fastify';
import { IMMUTABLE } from './cache-headers.ts';

export function mountDescription(app: FastifyInstance, description: LogDescription): void {
	mount(app, getLogDescription, () => ({ status: 200, headers: IMMUTABLE, body: description }));
}

export function mountTrust(app: FastifyInstance, report: () => Promise<TrustReport>): void {
	mount(app, getTrustReport, async () => ({ status: 200, body: await report() }), { roles: READERS });
}
