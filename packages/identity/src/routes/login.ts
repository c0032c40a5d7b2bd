/**
 * The login step of an authorization: a page with the ways to sign in, and the form of the development login on it. The
 * buttons of connectors lead to `upstream.ts`.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { clientOf } from '@chancery/chassis/http/client-address';
import { AUTH_PATH, authIssuer } from '@chancery/wire/identity';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Interaction } from 'oidc-provider';
import type { IdentityConfig } from '../config.ts';
import type { Connector } from '../connectors/connector.ts';
import { believeForm } from '../development/login-form.ts';
import type { Account } from '../domain/account.ts';
import type { Audit } from '../domain/audit.ts';
import { countWrongGuess, type GuessDeps, refuseTooMany } from '../domain/guess-limits.ts';
import { IDENTITY_ERRORS } from '../errors.ts';
import type { IdentityMetrics } from '../metrics.ts';
import { type LoginPage, loginPage, upstreamLink } from '../pages/login-page.ts';
import { renderPage } from '../pages/page.ts';
import type { PageFrame } from '../pages/page-frame.ts';
import type { ServingProvider } from '../provider/live-provider.ts';
import { checkHost, checkSameSite, currentInteraction, endInteraction, sendPage, whereFrom } from './interaction.ts';

interface LoginRouteDeps extends GuessDeps {
	readonly config: IdentityConfig;
	readonly provider: ServingProvider;
	readonly connectors: readonly Connector[];
	/** Stores the account for the tokens that follow. */
	readonly remember: (account: Account) => Promise<void>;
	readonly metrics: IdentityMetrics;
	readonly audit: Audit;
	readonly frame: PageFrame;
	/** Whether this is the instance's own secret; false where it has none. Takes constant time. */
	readonly isSecret: (given: string) => boolean;
}

type Params = { uid: string };

const NOTHING_TYPED = new URLSearchParams();
const DEVELOPMENT = 'development';

export function mountLogin(app: FastifyInstance, deps: LoginRouteDeps): void {
	const { config, provider, metrics, connectors, audit, frame } = deps;
	const path = `${AUTH_PATH}/interaction/:uid`;
	const issuer = authIssuer(config.publicUrl);

	const pageOf = (interaction: Interaction): LoginPage => ({
		uid: interaction.uid,
		clientId: String(interaction.params.client_id ?? ''),
		redirectUri: interaction.params.redirect_uri,
		webClients: config.webClients,
		connectors,
		developmentLogin: config.developmentLogin,
		developmentIdentities: config.developmentIdentities,
	});

	app.get<{ Params: Params }>(path, async (request, reply) => {
		checkHost(request, config);
		const interaction = await currentInteraction(provider, request, reply);
		// The client chose for the person, as Dex lets it: an id that is not here shows what is.
		const chosen = interaction.params.connector_id;
		if (typeof chosen === 'string' && connectors.some(({ id }) => id === chosen))
			return reply.header('cache-control', 'no-store').redirect(upstreamLink(interaction.uid, chosen), 303);
		const page =
			typeof chosen === 'string' ? { ...pageOf(interaction), unknownConnector: chosen } : pageOf(interaction);
		return sendPage(reply, 200, renderPage(frame, loginPage(frame, page, NOTHING_TYPED)));
	});

	app.post<{ Params: Params }>(`${path}/cancel`, async (request, reply) => {
		checkSameSite(request, config);
		await currentInteraction(provider, request, reply);
		const refusal = { error: 'access_denied', error_description: 'the person cancelled the sign-in' };
		return reply.redirect(await provider.interactionResult(request.raw, reply.raw, refusal), 303);
	});

	if (config.developmentLogin === false) return;
	app.post<{ Params: Params }>(`${path}/${DEVELOPMENT}`, async (request, reply) => {
		checkSameSite(request, config);
		const interaction = await currentInteraction(provider, request, reply);
		const form = formOf(request);
		const count = (outcome: string) =>
			metrics.count('chancery_identity_logins_total', 1, { method: DEVELOPMENT, outcome });
		const needsSecret = config.developmentLogin !== true;
		const guess = { what: 'development-secret', from: clientOf(request.socket.remoteAddress) } as const;
		if (needsSecret) await refuseTooMany(deps, guess);
		let account: Account;
		try {
			account = believeForm({ needsSecret, isSecret: deps.isSecret, issuer }, form);
		} catch (error) {
			const isRefused = error instanceof DomainError && error.code === 'login-refused';
			count(isRefused ? 'refused' : 'failed');
			if (!isRefused) throw error;
			await audit({ ...whereFrom(request, interaction), kind: 'login', outcome: 'refused', reason: error.code });
			const isSecretRight = !needsSecret || deps.isSecret(form.get('secret') ?? '');
			if (!isSecretRight) await countWrongGuess(deps, guess);
			const refusal = { detail: error.detail, field: isSecretRight ? ('email' as const) : ('secret' as const) };
			const page = loginPage(frame, { ...pageOf(interaction), refusal }, form);
			return sendPage(reply, IDENTITY_ERRORS['login-refused'].status, renderPage(frame, page));
		}
		await deps.remember(account);
		count('accepted');
		return endInteraction(deps, { request, reply, interaction }, account);
	});
}

function formOf(request: FastifyRequest): URLSearchParams {
	const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
	if (type !== 'application/x-www-form-urlencoded' || !(request.body instanceof Uint8Array))
		throw new DomainError('unsupported-media-type', 'expected a form (application/x-www-form-urlencoded)');
	return new URLSearchParams(new TextDecoder().decode(request.body));
}
