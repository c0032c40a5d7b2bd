/** The certificate authority as a service: its parts wired together. */
import { createAdminListener } from '@chancery/chassis/http/admin';
import { createListener } from '@chancery/chassis/http/listener';
import { mount } from '@chancery/chassis/http/mount';
import { mountStatus } from '@chancery/chassis/http/status';
import { createMetrics } from '@chancery/chassis/metrics';
import type { Service } from '@chancery/chassis/service';
import type { StoringDeps } from '@chancery/chassis/service-definition';
import { renewIssuerKeys } from '@chancery/chassis/tokens/renew-issuer-keys';
import { createTokenVerifier } from '@chancery/chassis/tokens/token-verifier';
import { toHex } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import { createHttpTransport } from '@chancery/net/http-transport';
import { getHealth } from '@chancery/wire/fulcio';
import { getCaStatus } from '@chancery/wire/status';
import type { CaConfig } from './config.ts';
import { Admission, DEFAULT_ADMISSION } from './domain/admission.ts';
import { describeCtLog } from './domain/ct-log.ts';
import { createHealth } from './domain/health.ts';
import type { IssueDeps } from './domain/issue.ts';
import { openIssuingChain } from './domain/issuing-chain.ts';
import { statusOf } from './domain/status.ts';
import { ERRORS, inGatewayWords } from './errors.ts';
import { forgetProofs } from './jobs/forget-proofs.ts';
import { CA_SERIES } from './metrics.ts';
import { mountConfiguration } from './routes/configuration.ts';
import { mountLegacySigningCertificate } from './routes/legacy-signing-certificate.ts';
import { mountSigningCertificate } from './routes/signing-certificate.ts';
import { mountTrust } from './routes/trust.ts';
import { mountTrustBundle } from './routes/trust-bundle.ts';
import { openIssuances } from './store/issuances.ts';
import { openShownProofs } from './store/shown-proofs.ts';

export interface CaDeps extends StoringDeps<CaConfig, 'issuing'> {
	/** Called between the steps of an issuance; the tests stop the story there. */
	readonly afterStep?: IssueDeps['afterStep'];
}

/**
 * A token has 16 KiB at most, and a key, a proof or a request for a certificate some KiB more. Upstream reads 4 MiB, which
 * nobody sends but to have them parsed.
 */
const MAX_BODY_BYTES = 128 * 1024;

/**
 * Starts the authority. Neither the CT log nor the issuers have to be there yet.
 * @throws {ChainError} or FormatError when chain, key and CT log key do not fit together
 */
export async function createService(deps: CaDeps): Promise<Service> {
	const { config, database, clock, random, logger } = deps;
	const metrics = createMetrics('ca', { series: CA_SERIES, database });
	const signer = metrics.ofSigners(deps.signers).issuing;
	const chain = openIssuingChain(config.chainPem, signer);
	const ctLog = describeCtLog(config.ctlog, createHttpTransport());
	const tokens = createTokenVerifier(config.issuers, { fetch: deps.fetch, clock });
	const health = createHealth({ database, clock, chain, ctLog, tokens });
	// A certificate for one of our own keys would let whoever holds the token speak with our signatures.
	const ownKeys = [ctLog.publicKey, ...chain.certificates.map(({ publicKey }) => publicKey)];
	const firstEndMs = Math.min(...chain.certificates.map(({ notAfter }) => notAfter.getTime()));
	metrics.gauge('chancery_ca_chain_expiry_timestamp_seconds', firstEndMs / 1000);
	metrics.onPrint(() => {
		for (const [issuer, { ok }] of Object.entries(tokens.states()))
			metrics.gauge('chancery_ca_issuer_available', ok ? 1 : 0, { issuer });
	});
	const issue: IssueDeps = {
		issuances: openIssuances(database),
		proofs: openShownProofs(database),
		clock,
		random,
		logger,
		metrics,
		tokens,
		admission: new Admission(DEFAULT_ADMISSION, config.issuers.length),
		chain,
		signer,
		ctLog,
		blockedKeys: new Set([...config.blockedKeySha256, ...ownKeys.map((key) => toHex(sha256(key)))]),
		...(deps.afterStep ? { afterStep: deps.afterStep } : {}),
	};

	const publicApp = createListener({
		name: 'public',
		logger,
		errors: ERRORS,
		family: 'grpc-gateway',
		maxBodyBytes: MAX_BODY_BYTES,
		cors: true,
		render: inGatewayWords,
	});
	mountSigningCertificate(publicApp, issue, config.publicUrl);
	mountLegacySigningCertificate(publicApp, issue, config.publicUrl);
	mountTrustBundle(publicApp, chain);
	mountConfiguration(publicApp, config.issuers);
	mount(publicApp, getHealth, () => ({ status: 200, body: { status: 'SERVING' } }));
	mountStatus(publicApp, getCaStatus, () => statusOf({ chain, ctLog, tokens, health }));

	const adminApp = createAdminListener({ name: 'admin', logger, tokens: config.admin.tokens, health });
	mountTrust(adminApp, { chain, signer, publicUrl: config.publicUrl, clock });

	return {
		name: 'ca',
		listeners: [
			{ name: 'public', app: publicApp },
			{ name: 'admin', app: adminApp },
		],
		jobs: [renewIssuerKeys(tokens), forgetProofs({ database, clock })],
		metrics,
		health,
		close: async () => undefined,
	};
}
