/**
 * The trust reports of both logs, on the admin listener.
 */
import { READERS } from '@chancery/chassis/http/admin';
import { mount } from '@chancery/chassis/http/mount';
import { getTrustReportV1 } from '@chancery/wire/rekor-v1';
import { getTrustReportV2 } from '@chancery/wire/rekor-v2';
import type { FastifyInstance } from 'fastify';
import { type ReportedLog, reportTrust } from '../domain/report-trust.ts';

export interface TrustDeps {
	readonly v1: ReportedLog;
	readonly v2: ReportedLog;
	readonly clock: () => number;
}

export function mountTrust(app: FastifyInstance, { v1, v2, clock }: TrustDeps): void {
	mount(app, getTrustReportV1, async () => ({ status: 200, body: await reportTrust(v1, clock()) }), { roles: READERS });
	mount(app, getTrustReportV2, async () => ({ status: 200, body: await reportTrust(v2, clock()) }), { roles: READERS });
}
