/**
 * The login step of an authorization: a page with the ways to sign in, and the forms on it.
 *
 * The attack to prevent is a browser that logs in without its owner. So the page is never framed, its address and the cookie
 * contain the same unguessable id, the form must come from our own origin, and the host must be the configured one (after DNS
 * rebinding it is not).
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { Logger } from '@chancery/chassis/logger';
import { AUTH_PATH, authIssuer } from '@chancery/wire/identity';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Interaction, Provider } from 'oidc-provider';
import { SessionNotFound } from 'oidc-provider/lib/helpers/errors.js';
import type { IdentityConfig } from '../config.ts';
import type { Account } from '../domain/account.ts';
import { IDENTITY_ERRORS } from '../errors.ts';
import { enabledLoginMethods } from '../login-methods/all.ts';
import type { IdentityMetrics } from '../metrics.ts';
import { type LoginPage, loginPage, refusalPage } from '../pages/login-page.ts';
import { type RenderedPage, renderPage } from '../pages/page.ts';
import { formTargetOf } from '../provider/redirect-uri.ts';

interface LoginRouteDeps {
	readonly config: IdentityConfig;
	readonly logger: Logger;
	readonly provider: Provider;
	/** Stores the account for the tokens that follow. */
	readonly remember: (account: Account) => Promise<void>;
	readonly metrics: IdentityMetrics;
	/** See `LoginContext`. */
	readonly isSecret: (given: string) => boolean;
}

type Params = { uid: string; method: string };

const NOTHING_TYPED = new URLSearchParams();

export function mountLogin(app: FastifyInstance, deps: LoginRouteDeps): void {
	const { config, provider, logger, metrics, isSecret } = deps;
	const path = `${AUTH_PATH}/interaction/:uid`;
	const context = { config, issuer: authIssuer(config.publicUrl), isSecret };
	const methods = enabledLoginMethods(config);

	/** What the page must know; formTargets because the answer to the form redirects to the client. */
	const pageOf = (interaction: Interaction): LoginPage => ({
		uid: interaction.uid,
		clientId: String(interaction.params.client_id ?? ''),
		formTarget: formTargetOf(interaction.params.redirect_uri),
		methods,
		context,
	});

	app.get<{ Params: Params }>(path, async (request, reply) =>
		withPages(reply, async () => {
			checkHost(request, config);
			const interaction = await currentInteraction(provider, request, reply);
			return sendPage(reply, 200, renderPage(loginPage(pageOf(interaction), NOTHING_TYPED)));
		}),
	);

	app.post<{ Params: Params }>(`${path}/cancel`, async (request, reply) =>
		withPages(reply, async () => {
			checkSameSite(request, config);
			await currentInteraction(provider, request, reply);
			const refusal = { error: 'access_denied', error_description: 'the person cancelled the sign-in' };
			return reply.redirect(await provider.interactionResult(request.raw, reply.raw, refusal), 303);
		}),
	);

	app.post<{ Params: Params }>(`${path}/:method`, async (request, reply) =>
		withPages(reply, async () => {
			checkSameSite(request, config);
			const interaction = await currentInteraction(provider, request, reply);
			const method = methods.find((candidate) => candidate.id === request.params.method);
			if (!method) throw new DomainError('no-login-method', 'There is no such way to sign in here.');
			const form = formOf(request);
			const count = (outcome: string) =>
				metrics.count('chancery_identity_logins_total', 1, { method: method.id, outcome });
			let account: Account;
			try {
				account = await method.login(context, form);
			} catch (error) {
				const isRefused = error instanceof DomainError && error.code === 'login-refused';
				count(isRefused ? 'refused' : 'failed');
				if (!isRefused) throw error;
				const page = loginPage({ ...pageOf(interaction), refusal: error.detail }, form);
				return sendPage(reply, IDENTITY_ERRORS['login-refused'].status, renderPage(page));
			}
			await deps.remember(account);
			count('accepted');
			logger.info(
				{ method: method.id, subject: account.sub, client: interaction.params.client_id },
				'someone signed in',
			);
			const result = { login: { accountId: account.sub, remember: false }, consent: {} };
			return reply.redirect(await provider.interactionResult(request.raw, reply.raw, result), 303);
		}),
	);
}

/** The interaction that both cookie and address name. */
async function currentInteraction(
	provider: Provider,
	request: FastifyRequest<{ Params: Params }>,
	reply: FastifyReply,
): Promise<Interaction> {
	let interaction: Interaction;
	try {
		interaction = await provider.interactionDetails(request.raw, reply.raw);
	} catch (cause) {
		if (!(cause instanceof SessionNotFound)) throw cause;
		throw new DomainError('login-expired', 'This sign-in has expired, or it began in another browser.', { cause });
	}
	if (interaction.uid !== request.params.uid)
		throw new DomainError('login-expired', 'This page belongs to another sign-in.');
	return interaction;
}

function checkHost(request: FastifyRequest, config: IdentityConfig): void {
	const expected = new URL(config.publicUrl).host;
	if (request.raw.headers.host !== expected)
		throw new DomainError('wrong-host', `Sign-in works only at ${config.publicUrl}.`);
}

/** Browsers send Origin with every form, so a missing one is refused too. */
function checkSameSite(request: FastifyRequest, config: IdentityConfig): void {
	checkHost(request, config);
	if (request.headers.origin !== config.publicUrl)
		throw new DomainError(
			'wrong-origin',
			`The form must come from ${config.publicUrl}; its Origin header says otherwise.`,
		);
}

function formOf(request: FastifyRequest): URLSearchParams {
	const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
	if (type !== 'application/x-www-form-urlencoded' || !(request.body instanceof Uint8Array))
		throw new DomainError('unsupported-media-type', 'expected a form (application/x-www-form-urlencoded)');
	return new URLSearchParams(new TextDecoder().decode(request.body));
}

/** Errors of these routes are pages, because a person reads them. Unexpected errors go on to the chassis. */
async function withPages(reply: FastifyReply, handle: () => Promise<FastifyReply>): Promise<FastifyReply> {
	try {
		return await handle();
	} catch (error) {
		if (!(error instanceof DomainError) || !Object.hasOwn(IDENTITY_ERRORS, error.code)) throw error;
		const { status, title } = IDENTITY_ERRORS[error.code as keyof typeof IDENTITY_ERRORS];
		return sendPage(reply, status, renderPage(refusalPage(title, error.detail)));
	}
}

function sendPage(reply: FastifyReply, status: number, page: RenderedPage): FastifyReply {
	return reply.code(status).headers(page.headers).send(page.body);
}
