/** GET /admin/v1/trust: the signed report from which the signing configuration learns the issuer. */
import { READERS } from '@chancery/chassis/http/admin';
import { mount } from '@chancery/chassis/http/mount';
import { getTrustReport, type TrustReport } from '@chancery/wire/trust-report';
import type { FastifyInstance } from 'fastify';

export function mountTrust(app: FastifyInstance, report: () => Promise<TrustReport>): void {
	mount(app, getTrustReport, async () => ({ status: 200, body: await report() }), { roles: READERS });
}
