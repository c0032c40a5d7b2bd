/** The timestamp authority as a service: its parts wired together. It stores no rows, only a mark with the last second. */
import { createAdminListener } from '@chancery/chassis/http/admin';
import { createListener } from '@chancery/chassis/http/listener';
import { mountStatus } from '@chancery/chassis/http/status';
import { createMetrics } from '@chancery/chassis/metrics';
import type { Service } from '@chancery/chassis/service';
import type { ServiceDeps } from '@chancery/chassis/service-definition';
import { describeCertificate } from '@chancery/core/certificate';
import type { MarkStore } from '@chancery/postgres/mark/mark';
import { createMarkProbe } from '@chancery/postgres/mark/mark-probe';
import { getTsaStatus, type TsaStatus } from '@chancery/wire/status';
import type { TsaConfig } from './config.ts';
import { openAuthority, requireValidAt } from './domain/authority.ts';
import { healthOf } from './domain/health.ts';
import { openIssuingTime } from './domain/issuing-time.ts';
import { createTimeReserve } from './domain/time-reserve.ts';
import { reportTrust } from './domain/trust.ts';
import { TSA_ERRORS } from './errors.ts';
import { TSA_SERIES } from './metrics.ts';
import { mountCertChain } from './routes/cert-chain.ts';
import { mountTimestamp } from './routes/timestamp.ts';
import { mountTrust } from './routes/trust.ts';

/** The mark remembers the last second that a token may state. */
export type TsaDeps = ServiceDeps<TsaConfig, 'signer', { readonly mark: MarkStore }>;

/**
 * Starts the authority.
 * @throws {AuthorityError} when chain and key do not fit, or would be refused by clients; {MarkInUseError} while another
 * host has the mark, {MarkPlaceError} when its place can keep none
 */
export async function createService(deps: TsaDeps): Promise<Service> {
	const { config, clock, logger, random } = deps;
	const metrics = createMetrics('tsa', { series: TSA_SERIES });
	const authority = openAuthority({ chainPem: config.chainPem, signer: metrics.ofSigners(deps.signers).signer });
	const { accuracySeconds } = config;
	const reserve = createTimeReserve(deps.marks.mark, { clock, origin: config.publicUrl, accuracySeconds });
	const time = await openIssuingTime({
		clock,
		accuracySeconds,
		reserve,
		requireValid: (timeMs) => requireValidAt(authority, timeMs),
	});
	const firstEndMs = Math.min(...authority.chain.map(({ notAfter }) => notAfter.getTime()));
	metrics.gauge('chancery_tsa_chain_expiry_timestamp_seconds', firstEndMs / 1000);
	metrics.onPrint(() => metrics.gauge('chancery_tsa_clock_behind_seconds', time.secondsBehind()));
	const markProbe = createMarkProbe('the timestamp authority', deps.marks.mark);
	metrics.ofMarks({ tsa: markProbe });
	const health = async () => healthOf(authority, time, config.accuracySeconds, clock(), markProbe.health());

	const publicApp = createListener({
		name: 'public',
		logger,
		errors: TSA_ERRORS,
		family: 'code-message',
		maxBodyBytes: config.maxBodyBytes,
		cors: true,
		pathCleaning: 'all-slashes',
	});
	mountTimestamp(publicApp, {
		authority,
		time,
		random,
		policyOids: [...new Set([config.policyOid, ...config.acceptedPolicyOids])],
		accuracySeconds: config.accuracySeconds,
		createdStatus: config.createdStatus,
		refusals: config.refusals,
		metrics,
	});
	mountCertChain(publicApp, authority.chainPem);
	const chain = authority.chain.map(describeCertificate);
	const status = async (): Promise<TsaStatus> => ({ service: 'tsa', ready: (await health()).ready, chain });
	mountStatus(publicApp, getTsaStatus, status);

	const adminApp = createAdminListener({
		name: 'admin',
		logger,
		tokens: config.admin.tokens,
		health,
		errors: TSA_ERRORS,
	});
	mountTrust(adminApp, () => reportTrust(authority, config.publicUrl, clock));

	return {
		name: 'tsa',
		listeners: [
			{ name: 'public', app: publicApp },
			{ name: 'admin', app: adminApp },
		],
		jobs: [markProbe.job],
		metrics,
		health,
		close: () => reserve.close(),
	};
}
