/** What a service reports about its own keys, asked for where it administrates itself. */
import { ConfigError } from '@chancery/chassis/config/config-error';
import { DomainError } from '@chancery/chassis/domain-error';
import type { Clock } from '@chancery/chassis/service';
import { readClientCertificate } from '@chancery/chassis/tls/client-certificate';
import { openTrustReport, type TrustMaterial } from '@chancery/chassis/trust-report';
import { CallError, call } from '@chancery/net/call';
import { createHttpTransport } from '@chancery/net/http-transport';
import { getTrustReport } from '@chancery/wire/trust-report';
import type { TufConfig } from '../config.ts';
import { checkReport } from './report-rules.ts';

export type ReportingService = TufConfig['services'][number];

export interface PullDeps {
	readonly fetch: typeof fetch;
	readonly clock: Clock;
}

/**
 * Asks a service for its keys, with the proof that it has them.
 * @throws {DomainError} `service-unreachable`, `invalid-trust-report`
 */
export async function pullTrustMaterial(deps: PullDeps, service: ReportingService): Promise<TrustMaterial> {
	const way = await wayTo(deps, service);
	try {
		const { body } = await call(
			{ ...getTrustReport, path: '' },
			service.trustReportUrl,
			{},
			{
				...way,
				headers: { authorization: `Bearer ${service.bearer.reveal()}` },
				maxReplyBytes: 256 * 1024,
				timeoutMs: 10_000,
			},
		);
		const report = openTrustReport(body);
		checkReport(report, deps.clock());
		return report.material;
	} catch (cause) {
		if (!(cause instanceof CallError)) throw cause;
		throw new DomainError(
			'service-unreachable',
			`${service.trustReportUrl} did not report its keys: ${cause.message}`,
			{
				cause,
			},
		);
	}
}

/** @throws {DomainError} `service-unreachable` when the certificate that would be shown there cannot be used */
async function wayTo(deps: PullDeps, { trustReportUrl, client }: ReportingService) {
	if (client === undefined) return { fetch: deps.fetch };
	try {
		return { transport: createHttpTransport({ client: await readClientCertificate(client, deps.clock()) }) };
	} catch (cause) {
		if (!(cause instanceof ConfigError)) throw cause;
		throw new DomainError('service-unreachable', `${trustReportUrl} was not asked: ${cause.message}`, { cause });
	}
}
