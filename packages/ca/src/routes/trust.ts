/**
 * GET /admin/v1/trust: what this authority is in the root of trust, for the service that keeps that root.
 */
import { READERS } from '@chancery/chassis/http/admin';
import { mount } from '@chancery/chassis/http/mount';
import { getTrustReport } from '@chancery/wire/trust-report';
import type { FastifyInstance } from 'fastify';
import { reportTrust, type TrustDeps } from '../domain/trust.ts';

export function mountTrust(app: FastifyInstance, deps: TrustDeps): void {
	mount(app, getTrustReport, async () => ({ status: 200, body: await reportTrust(deps) }), { roles: READERS });
}
