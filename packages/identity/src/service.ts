/** The identity provider as a service: its parts wired together. */

import { createAdminListener } from '@chancery/chassis/http/admin';
import { createListener } from '@chancery/chassis/http/listener';
import { mountStatus } from '@chancery/chassis/http/status';
import { createMetrics } from '@chancery/chassis/metrics';
import type { Service } from '@chancery/chassis/service';
import type { StoringDeps } from '@chancery/chassis/service-definition';
import { renewIssuerKeys } from '@chancery/chassis/tokens/renew-issuer-keys';
import { createTokenVerifier } from '@chancery/chassis/tokens/token-verifier';
import { ChanceryError } from '@chancery/core/chancery-error';
import { authIssuer, ciIssuer } from '@chancery/wire/identity';
import { getIdentityStatus, type IdentityStatus } from '@chancery/wire/status';
import { type IdentityConfig, readSigningJwks, readSigningJwksAgain } from './config.ts';
import { openConnectors } from './connectors/connectors.ts';
import { markResponses } from './development/marker.ts';
import { isDevelopmentSecret } from './development/secret.ts';
import type { Account } from './domain/account.ts';
import { listAuditEvents, openAudit } from './domain/audit.ts';
import { healthOf } from './domain/health.ts';
import { LiveKeys } from './domain/live-keys.ts';
import { rememberLogin } from './domain/login.ts';
import { reportTrust } from './domain/trust.ts';
import { IDENTITY_ERRORS } from './errors.ts';
import { cleanExpiredJob } from './jobs/clean-expired.ts';
import { renewConnectorsJob } from './jobs/renew-connectors.ts';
import { renewKeysJob } from './jobs/renew-keys.ts';
import { machineIssuersOf } from './machines/machine-issuers.ts';
import { IDENTITY_SERIES } from './metrics.ts';
import { createPageFrame } from './pages/page-frame.ts';
import { liveProvider } from './provider/live-provider.ts';
import { createProvider } from './provider/provider.ts';
import { mountAssets } from './routes/assets.ts';
import { mountAudit } from './routes/audit.ts';
import { refusalsAsPages } from './routes/browser-refusals.ts';
import { mountCiIssuers } from './routes/ci-issuers.ts';
import { mountDevelopmentToken } from './routes/development-token.ts';
import { mountLogin } from './routes/login.ts';
import { mountMachineDiscovery } from './routes/machine-discovery.ts';
import { mountProvider } from './routes/oidc.ts';
import { mountTrust } from './routes/trust.ts';
import { mountUpstream } from './routes/upstream.ts';
import { recordOrigin } from './store/origin.ts';

export type IdentityDeps = StoringDeps<IdentityConfig>;

/** The configuration asks for something that is not secure. */
export class IdentitySetupError extends ChanceryError<'identity-setup'> {
	constructor(message: string, options?: ErrorOptions) {
		super('identity-setup', message, options);
	}
}

const MAX_BODY_BYTES = 64 * 1024;
const MIN_SECRET_CHARS = 16;

/**
 * Starts the provider on its listeners `public` and `admin`.
 * @throws {IdentitySetupError} when a secret can be guessed; {SigningKeyError} when keys cannot be used
 */
export async function createService(deps: IdentityDeps): Promise<Service> {
	const { config, clock, logger, database } = deps;
	const signingJwks = readSigningJwks(config.signingJwks);
	// Whoever knows it may mint tokens for anyone. Absent: no development tokens, no issuer of workflow tokens.
	const secret = config.developmentSecret?.reveal();
	refuseShort('the development secret', secret);
	for (const { id, secret: own } of config.machineClients)
		refuseUnusable(`the secret of the machine client ${id}`, own.reveal());
	if (config.developmentLogin === 'with-secret' && secret === undefined)
		throw new IdentitySetupError('developmentLogin: with-secret needs a developmentSecret');
	const issuer = authIssuer(config.publicUrl);
	const auth = await LiveKeys.open(issuer, signingJwks.auth, clock);
	const ci = secret === undefined ? undefined : await LiveKeys.open(ciIssuer(config.publicUrl), signingJwks.ci, clock);
	const connectors = openConnectors(config.connectors, deps);
	// Whoever has the secret, or reaches the login, is anyone.
	const isDevelopment = config.developmentLogin !== false || secret !== undefined;
	const frame = createPageFrame(config.branding, { publicUrl: config.publicUrl, isDevelopment });
	const methods = [...connectors.map(({ id }) => id), ...(config.developmentLogin === false ? [] : ['development'])];
	// Before anything is stored. A crash behind this leaves a marked schema without data, which the next start continues.
	await recordOrigin(database, deps.profile);
	const tokens = createTokenVerifier(machineIssuersOf(config.publicUrl, config.machineIssuers), deps);
	const health = () => healthOf(database, methods, connectors, tokens.states());

	const publicApp = createListener({
		name: 'public',
		logger,
		errors: IDENTITY_ERRORS,
		family: 'problem',
		maxBodyBytes: MAX_BODY_BYTES,
		render: refusalsAsPages(frame),
	});
	if (isDevelopment) markResponses(publicApp);
	const metrics = createMetrics('identity', { series: IDENTITY_SERIES, database });
	const { audit, auditExchange } = openAudit({ ...deps, retentionDays: config.auditRetentionDays });
	const provider = liveProvider(auth, (keys) =>
		createProvider({ ...deps, metrics, keys, tokens, audit, auditExchange, frame }),
	);
	const remember = (account: Account) => rememberLogin(deps, account);
	const isSecret = (given: string) => isDevelopmentSecret(secret, given);
	mountLogin(publicApp, { ...deps, metrics, provider, connectors, remember, isSecret, audit, frame });
	const { publicUrl } = config;
	mountUpstream(publicApp, { ...deps, publicUrl, provider, metrics, connectors, audit });
	mountAssets(publicApp, frame.assets);
	mountProvider(publicApp, provider, config);
	mountMachineDiscovery(
		publicApp,
		publicUrl,
		config.machineIssuers.map(({ name }) => name),
	);
	mountStatus(publicApp, getIdentityStatus, async (): Promise<IdentityStatus> => {
		const { ready } = await health();
		return { service: 'identity', ready, issuer, loginMethods: methods };
	});
	if (secret !== undefined && ci !== undefined) {
		mountDevelopmentToken(publicApp, { ...deps, publicUrl, secret, auth, ci, metrics, audit });
		mountCiIssuers(publicApp, publicUrl, ci);
		logger.warn({ issuer: ciIssuer(publicUrl) }, 'development tokens are on: their secret signs as anyone');
	}
	if (config.developmentLogin !== false)
		logger.warn({ issuer }, 'the development login is on: it believes any address');

	const admin = createAdminListener({
		name: 'admin',
		logger,
		tokens: config.admin.tokens,
		health,
		errors: IDENTITY_ERRORS,
	});
	mountAudit(admin, (query) => listAuditEvents({ database }, query));
	mountTrust(admin, () => reportTrust(issuer, auth, clock));

	return {
		name: 'identity',
		listeners: [
			{ name: 'public', app: publicApp },
			{ name: 'admin', app: admin },
		],
		jobs: [
			cleanExpiredJob({ database, clock }),
			renewConnectorsJob(connectors),
			renewIssuerKeys(tokens),
			renewKeysJob({
				read: () => readSigningJwksAgain(config.signingJwks),
				auth,
				...(ci === undefined ? {} : { ci }),
				logger,
			}),
		],
		metrics,
		health,
		close: async () => undefined,
	};
}

/** The characters of a client secret are those of RFC 6749 appendix A.2: no other can be sent. */
function refuseUnusable(name: string, secret: string): void {
	refuseShort(name, secret);
	if (!/^[\x20-\x7e]+$/.test(secret))
		throw new IdentitySetupError(`${name} has characters that are not printable ASCII`);
}

function refuseShort(name: string, secret: string | undefined): void {
	if (secret !== undefined && secret.length < MIN_SECRET_CHARS)
		throw new IdentitySetupError(`${name} is shorter than ${MIN_SECRET_CHARS} characters`);
}
