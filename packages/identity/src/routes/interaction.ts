/**
 * What all pages of one sign-in share. What they throw becomes a page in `browser-refusals.ts`.
 *
 * The attack to prevent is a browser that logs in without its owner. So a page is never framed, its address and the cookie
 * contain the same unguessable id, a form must come from our own origin, and the host must be the configured one (after DNS
 * rebinding it is not).
 */
import { DomainError } from '@chancery/chassis/domain-error';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Interaction } from 'oidc-provider';
import { SessionNotFound } from 'oidc-provider/lib/helpers/errors.js';
import type { IdentityConfig } from '../config.ts';
import type { Account } from '../domain/account.ts';
import type { Audit } from '../domain/audit.ts';
import type { RenderedPage } from '../pages/page.ts';
import type { ServingProvider } from '../provider/live-provider.ts';

/** The interaction that both cookie and address name. @throws {DomainError} `login-expired` */
export async function currentInteraction(
	provider: ServingProvider,
	request: FastifyRequest<{ Params: { uid: string } }>,
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

/** Sends the browser on to the client, signed in as `account`. */
export async function endInteraction(
	{ provider, audit }: { readonly provider: ServingProvider; readonly audit: Audit },
	{ request, reply, interaction }: { request: FastifyRequest; reply: FastifyReply; interaction: Interaction },
	account: Account,
): Promise<FastifyReply> {
	await audit({ ...whereFrom(request, interaction), ...whoIs(account), kind: 'login', outcome: 'accepted' });
	const result = { login: { accountId: account.sub, remember: false }, consent: {} };
	return reply.redirect(await provider.interactionResult(request.raw, reply.raw, result), 303);
}

/** For the record: which request of which client this is. */
export function whereFrom(request: FastifyRequest, interaction: Interaction) {
	return {
		clientId: String(interaction.params.client_id ?? ''),
		clientAddress: request.ip,
		requestId: request.id,
	};
}

function whoIs({ sub, email, connectorId }: Account) {
	return { subject: sub, email, connectorId };
}

export function checkHost(request: FastifyRequest, config: Pick<IdentityConfig, 'publicUrl'>): void {
	const expected = new URL(config.publicUrl).host;
	if (request.raw.headers.host !== expected)
		throw new DomainError('wrong-host', `This works only at ${config.publicUrl}.`);
}

/**
 * For an endpoint that programs call: they send no Origin, and browsers always do. A page of another site must not reach it,
 * also not under our own host name after DNS rebinding.
 */
export function refuseForeignPages(request: FastifyRequest, config: Pick<IdentityConfig, 'publicUrl'>): void {
	if (request.raw.headers.origin === undefined) checkHost(request, config);
	else checkSameSite(request, config);
}

/** Browsers send Origin with every form, so a missing one is refused too. */
export function checkSameSite(request: FastifyRequest, config: Pick<IdentityConfig, 'publicUrl'>): void {
	checkHost(request, config);
	if (request.headers.origin !== config.publicUrl)
		throw new DomainError(
			'wrong-origin',
			`The request must come from ${config.publicUrl}; its Origin header says otherwise.`,
		);
}

export function sendPage(reply: FastifyReply, status: number, page: RenderedPage): FastifyReply {
	return reply.code(status).headers(page.headers).send(page.body);
}
