/**
 * The OpenID Connect provider: oidc-provider, configured so that every Sigstore client can use it unmodified. Each line is
 * there because some client needs it; the tests repeat the requests of those clients.
 */
import type { EventEmitter } from 'node:events';
import { DomainError } from '@chancery/chassis/domain-error';
import type { Logger } from '@chancery/chassis/logger';
import { asPassingFailure } from '@chancery/chassis/passing-failure';
import type { Clock } from '@chancery/chassis/service';
import type { TokenVerifier } from '@chancery/chassis/tokens/token-verifier';
import type { Sql } from '@chancery/postgres/sql';
import { AUTH_PATH, authIssuer, SIGSTORE_AUDIENCE, TOKEN_EXCHANGE_GRANT } from '@chancery/wire/identity';
import type { ClientMetadata, Configuration, errors, KoaContextWithOIDC } from 'oidc-provider';
import { Provider } from 'oidc-provider/lib/provider.js';
import type { IdentityConfig } from '../config.ts';
import { claimsOf } from '../domain/account.ts';
import type { Audit, AuditExchange } from '../domain/audit.ts';
import type { IssuerKeys } from '../domain/issuer-keys.ts';
import { recallLogin } from '../domain/login.ts';
import { accessTokenAudience, type WebClient } from '../domain/web-clients.ts';
import {
	CLIENT_CREDENTIALS_GRANT,
	machineClientMetadata,
	registerClientCredentials,
} from '../machines/client-credentials-grant.ts';
import { openMachineClients } from '../machines/machine-clients.ts';
import type { MachineIssuer } from '../machines/machine-issuers.ts';
import { registerTokenExchange } from '../machines/token-exchange-grant.ts';
import type { IdentityMetrics } from '../metrics.ts';
import type { PageFrame } from '../pages/page-frame.ts';
import { artifactAdapter } from './adapter.ts';
import { cookieSettings } from './cookies.ts';
import { crossOrigin, isOwnOrigin } from './cross-origin.ts';
import { answerWithoutSession, devicePages, fillInUserCode } from './device-pages.ts';
import { forgetSessions, noteAborted, removeTraces } from './end-of-sign-in.ts';
import { answerUnknownPaths, sendErrorPage } from './error-page.ts';
import { confirmationOf, DPOP_ALGORITHMS, DPOP_FEATURE } from './key-binding.ts';
import { showCodeOutOfBand } from './out-of-band-page.ts';
import { OUT_OF_BAND, redirectRule } from './redirect-uri.ts';
import { limitUserCodes, noteWrongCode, USER_CODES } from './user-code-limit.ts';

export interface ProviderDeps {
	readonly config: IdentityConfig;
	readonly database: Sql;
	readonly clock: Clock;
	readonly logger: Logger;
	readonly random: (n: number) => Uint8Array;
	readonly keys: IssuerKeys;
	/** Of machine issuers, for the exchange. */
	readonly tokens: TokenVerifier<MachineIssuer>;
	readonly audit: Audit;
	readonly auditExchange: AuditExchange;
	readonly metrics: IdentityMetrics;
	readonly frame: PageFrame;
}

/** Names the only resource that access tokens are for: the certificate authority. Not in any token. */
const RESOURCE = 'urn:chancery:certificate-authority';
const SCOPES = ['openid', 'email'];

const PUBLIC_CLIENT: Omit<ClientMetadata, 'client_id'> = {
	token_endpoint_auth_method: 'none',
	response_types: ['code'],
	response_modes: ['query'],
};

/** Seconds. Everything between two requests of one sign-in is short-lived. A grant outlives the codes that name it. */
const TTL = { AuthorizationCode: 60, DeviceCode: 300, Interaction: 600, Session: 900, Grant: 360 };

/** A provider whose issuer is `<publicUrl>/auth`. Its callback expects the path without `/auth`. */
export function createProvider(deps: ProviderDeps): Provider {
	const issuer = authIssuer(deps.config.publicUrl);
	const provider = new Provider(issuer, configuration(deps));
	registerMachineGrants(provider, issuer, deps);

	// A client's registered URIs have no wildcard; Sigstore's clients use any loopback port and path.
	const isAllowed = redirectRule(deps.config.webClients);
	provider.Client.prototype.redirectUriAllowed = function allowed(uri) {
		return this.grantTypeAllowed('authorization_code') && isAllowed.call(this, uri);
	};

	const { protocol } = new URL(issuer);
	provider.use(async (ctx, next) => {
		// Addresses and the Secure attribute of cookies follow the configuration, whatever protocol a proxy uses to reach us.
		Object.defineProperty(ctx.request, 'protocol', { value: protocol.slice(0, -1) });
		ctx.mountPath = AUTH_PATH;
		// The answer is always in the query. Other modes would need a page with a script; like Dex, we do not offer them.
		if (ctx.path === '/auth' && ctx.query.response_mode !== undefined)
			ctx.query = { ...ctx.query, response_mode: 'query' };
		await next();
		if (ctx.status !== 200) return;
		const isDiscovery = ctx.path.startsWith('/.well-known/');
		if (isDiscovery) ctx.body = { ...(ctx.body as object), response_modes_supported: ['query'] };
		if (isDiscovery || ctx.path === '/keys') ctx.set('cache-control', 'public, max-age=600, must-revalidate');
	});
	provider.use(removeTraces(deps.config.publicUrl));
	provider.use(crossOrigin(deps.config.webClients));
	provider.use(answerUnknownPaths(deps.frame));
	provider.use(showCodeOutOfBand(deps.frame));
	provider.use(limitUserCodes(deps));
	provider.use(fillInUserCode);
	provider.use(answerWithoutSession(deps.frame));

	forgetSessions(provider);
	reportFailures(provider, deps.logger);
	countTokens(provider, deps.metrics);
	return provider;
}

/** A grant that nobody is configured for does not exist. */
function registerMachineGrants(provider: Provider, issuer: string, deps: ProviderDeps): void {
	const { clients, machineIssuers, machineClients, machineConnectorId, tokenLifetimeSeconds } = deps.config;
	if (machineIssuers.length > 0)
		registerTokenExchange(provider, {
			...deps,
			tokenLifetimeSeconds,
			audiences: new Set([SIGSTORE_AUDIENCE, ...clients]),
		});
	if (machineClients.length > 0)
		registerClientCredentials(provider, {
			...deps,
			issuer,
			tokenLifetimeSeconds,
			machineClients: openMachineClients(machineClients, machineConnectorId ?? issuer),
		});
}

const RETRY_SECONDS = 1;

/** Refusals are logged as info, failures as errors. Nothing goes to the console, where Koa would print failures. */
function reportFailures(provider: Provider, logger: Logger): void {
	const failed = (err: unknown) => logger.error({ err }, 'the OpenID Connect provider failed');
	provider.on('server_error', (ctx, err) => {
		failed(err);
		if (!(asPassingFailure(err) instanceof DomainError) || ctx.status !== 500) return;
		// A database that is down is temporary: clients that retry after 503 give up after 500.
		ctx.status = 503;
		ctx.set('retry-after', String(RETRY_SECONDS));
	});
	(provider as EventEmitter).on('error', failed);

	const refused = (what: string) => (_ctx: KoaContextWithOIDC, err: errors.OIDCProviderError) =>
		logger.info({ reason: err.error, description: err.error_description, detail: err.error_detail }, what);
	provider.on('authorization.error', refused('an authorization request was refused'));
	provider.on('grant.error', refused('a token request was refused'));
	provider.on('device_authorization.error', refused('a device authorization request was refused'));
}

/** Names of grants for the metrics. A request may name any other. */
const GRANTS: ReadonlyMap<unknown, string> = new Map([
	['authorization_code', 'authorization_code'],
	['urn:ietf:params:oauth:grant-type:device_code', 'device_code'],
	[TOKEN_EXCHANGE_GRANT, 'token_exchange'],
	[CLIENT_CREDENTIALS_GRANT, 'client_credentials'],
]);

function countTokens(provider: Provider, metrics: IdentityMetrics): void {
	const count = (outcome: string) => (ctx: KoaContextWithOIDC) => {
		const grant = GRANTS.get(ctx.oidc.params?.grant_type) ?? 'other';
		metrics.count('chancery_identity_tokens_total', 1, { grant, outcome });
	};
	provider.on('grant.success', count('issued'));
	provider.on('grant.error', count('refused'));
}

function configuration(deps: ProviderDeps): Configuration {
	const { config, keys } = deps;
	const ttl = config.tokenLifetimeSeconds;
	const pages = devicePages(deps.frame, config.publicUrl);
	return {
		adapter: artifactAdapter(deps),
		jwks: { keys: keys.privateJwks.map((key) => ({ ...key })) } as NonNullable<Configuration['jwks']>,
		clients: [
			...config.clients.map((id) => nativeClient(id, config.machineIssuers.length > 0)),
			...config.webClients.map(webClient),
			...config.machineClients.map(({ id }) => machineClientMetadata(id, deps.random)),
		],
		// The paths of Dex, below its issuer.
		routes: {
			authorization: '/auth',
			token: '/token',
			jwks: '/keys',
			device_authorization: '/device/code',
			code_verification: '/device',
		},
		// As Dex: the client may choose where the person signs in.
		extraParams: ['connector_id'],
		responseTypes: ['code'],
		subjectTypes: ['public'],
		scopes: SCOPES,
		// The address must be in the ID token itself: clients read it there and never ask a userinfo endpoint.
		conformIdTokenClaims: false,
		claims: { openid: ['sub', 'federated_claims', 'cnf'], email: ['email', 'email_verified'] },
		clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post'],
		enabledJWA: { idTokenSigningAlgValues: ['RS256'], dPoPSigningAlgValues: [...DPOP_ALGORITHMS] },
		pkce: { required: () => true },
		clientBasedCORS: (_ctx, origin, client) => isOwnOrigin(config.webClients, origin, client),
		acceptQueryParamAccessTokens: false,
		expiresWithSession: () => false,
		cookies: cookieSettings(config.publicUrl),
		ttl: { ...TTL, IdToken: ttl, AccessToken: ttl },
		features: {
			devInteractions: { enabled: false },
			dPoP: DPOP_FEATURE,
			pushedAuthorizationRequests: { enabled: false },
			rpInitiatedLogout: { enabled: false },
			userinfo: { enabled: false },
			deviceFlow: {
				...pages,
				...USER_CODES,
				enabled: true,
				deviceInfo: () => ({}),
				userCodeInputSource: (ctx, form, out, err) => {
					noteWrongCode(ctx, err);
					noteAborted(ctx, err);
					pages.userCodeInputSource(ctx, form, out, err);
				},
			},
			// sigstore-python uses the access token as the identity token, which Dex allows: both are JWTs with the same claims.
			resourceIndicators: {
				enabled: true,
				defaultResource: () => RESOURCE,
				useGrantedResource: () => true,
				getResourceServerInfo: (_ctx, _resource, client) => ({
					scope: SCOPES.join(' '),
					audience: accessTokenAudience(config.webClients, client.clientId),
					accessTokenFormat: 'jwt',
					accessTokenTTL: ttl,
					jwt: { sign: { alg: 'RS256' } },
				}),
			},
		},
		extraTokenClaims: async (ctx, token) => {
			const claims = await ctx.oidc.entities.Account?.claims('id_token', '', {}, []);
			if (!claims) return undefined;
			const { email, email_verified, federated_claims } = claims;
			return token.scope?.split(' ').includes('email')
				? { email, email_verified, federated_claims }
				: { federated_claims };
		},
		findAccount: async (ctx, sub) => {
			const account = await recallLogin(deps, sub);
			return account && { accountId: account.sub, claims: () => ({ ...claimsOf(account), ...confirmationOf(ctx) }) };
		},
		// A person who has logged in for this request has consented to it: there is only one thing to consent to.
		loadExistingGrant,
		interactions: { url: (_ctx, interaction) => `${AUTH_PATH}/interaction/${interaction.uid}` },
		renderError: (ctx, out) => sendErrorPage(ctx, deps.frame, out),
	};
}

function nativeClient(id: string, mayExchange: boolean): ClientMetadata {
	return {
		...PUBLIC_CLIENT,
		client_id: id,
		application_type: 'native',
		grant_types: [
			'authorization_code',
			'urn:ietf:params:oauth:grant-type:device_code',
			...(mayExchange ? [TOKEN_EXCHANGE_GRANT] : []),
		],
		redirect_uris: ['http://localhost/auth/callback', OUT_OF_BAND],
	};
}

function webClient({ id, redirectUri }: WebClient): ClientMetadata {
	return {
		...PUBLIC_CLIENT,
		client_id: id,
		application_type: 'web',
		grant_types: ['authorization_code'],
		redirect_uris: [redirectUri],
	};
}

async function loadExistingGrant(ctx: KoaContextWithOIDC) {
	const { provider, client, account } = ctx.oidc;
	if (!client || !account) return undefined;
	const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
	grant.addOIDCScope(SCOPES.join(' '));
	grant.addResourceScope(RESOURCE, SCOPES.join(' '));
	await grant.save();
	return grant;
}
