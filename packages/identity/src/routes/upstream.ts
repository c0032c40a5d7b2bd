/** The three requests of a sign-in at another provider: there, back, and on to the interaction. */
import type { Logger } from '@chancery/chassis/logger';
import { AUTH_PATH } from '@chancery/wire/identity';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { IdentityConfig } from '../config.ts';
import { UpstreamLoginError } from '../connectors/upstream-failure.ts';
import type { Audit } from '../domain/audit.ts';
import {
	beginUpstreamLogin,
	CALLBACK_PATH,
	cookieName,
	finishUpstreamLogin,
	returnFromUpstream,
	type UpstreamLoginDeps,
} from '../domain/upstream-login.ts';
import { IDENTITY_ERRORS } from '../errors.ts';
import type { IdentityMetrics } from '../metrics.ts';
import type { ServingProvider } from '../provider/live-provider.ts';
import { checkHost, currentInteraction, endInteraction } from './interaction.ts';

interface UpstreamRouteDeps extends UpstreamLoginDeps {
	readonly config: IdentityConfig;
	readonly logger: Logger;
	readonly provider: ServingProvider;
	readonly metrics: IdentityMetrics;
	readonly audit: Audit;
}

type Params = { uid: string };
type BeginQuery = { connector_id?: string };
type FinishQuery = { login?: string };

export function mountUpstream(app: FastifyInstance, deps: UpstreamRouteDeps): void {
	const { config, provider, metrics, logger, audit } = deps;
	const path = `${AUTH_PATH}/interaction/:uid`;
	const count = (method: string, outcome: string) =>
		metrics.count('chancery_identity_logins_total', 1, { method, outcome });

	/** The page tells the person little; the line tells the operator what the provider said. */
	const reported = async <T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> => {
		try {
			return await work();
		} catch (error) {
			if (!(error instanceof UpstreamLoginError)) throw error;
			const { code, connectorId, words } = error;
			const isRefusal = IDENTITY_ERRORS[code as keyof typeof IDENTITY_ERRORS].status < 500;
			count(connectorId, isRefusal ? 'refused' : 'failed');
			const line = { connector: connectorId, reason: code, upstream: words, reqId: request.id };
			logger[isRefusal ? 'info' : 'warn'](line, 'a sign-in at another provider failed');
			const where = { clientAddress: request.ip, requestId: request.id };
			await audit({ ...where, kind: 'login', outcome: 'refused', connectorId, reason: code });
			throw error;
		}
	};

	// A link, not a form: `form-action` would have to name every host to which the provider redirects.
	app.get<{ Params: Params; Querystring: BeginQuery }>(`${path}/upstream`, async (request, reply) => {
		checkHost(request, config);
		const { uid } = await currentInteraction(provider, request, reply);
		const connectorId = String(request.query.connector_id ?? '');
		const { location, cookie } = await reported(request, () =>
			beginUpstreamLogin(deps, { interactionUid: uid, connectorId }),
		);
		return reply
			.header('set-cookie', setCookie(cookie, config))
			.header('cache-control', 'no-store')
			.header('referrer-policy', 'no-referrer')
			.redirect(location, 303);
	});

	app.get(CALLBACK_PATH, async (request, reply) => {
		checkHost(request, config);
		const returned = new URL(request.raw.url ?? '', config.publicUrl);
		const location = await reported(request, () => returnFromUpstream(deps, { returned, cookies: cookiesOf(request) }));
		const name = cookieName(config.publicUrl, returned.searchParams.get('state') ?? '');
		return reply
			.header('set-cookie', setCookie({ name, value: '', maxAgeSeconds: 0 }, config))
			.header('cache-control', 'no-store')
			.header('referrer-policy', 'no-referrer')
			.redirect(location, 303);
	});

	app.get<{ Params: Params; Querystring: FinishQuery }>(`${path}/finish`, async (request, reply) => {
		checkHost(request, config);
		const interaction = await currentInteraction(provider, request, reply);
		const account = await finishUpstreamLogin(deps, {
			interactionUid: interaction.uid,
			state: String(request.query.login ?? ''),
		});
		count(account.connectorId, 'accepted');
		return endInteraction(deps, { request, reply, interaction }, account);
	});
}

/** Sent to the callback alone; `Lax`, because the provider's redirect comes from another site. */
function setCookie(
	{ name, value, maxAgeSeconds }: { name: string; value: string; maxAgeSeconds: number },
	{ publicUrl }: IdentityConfig,
): string {
	const secure = publicUrl.startsWith('https:') ? '; Secure' : '';
	return `${name}=${value}; Path=${CALLBACK_PATH}; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Lax${secure}`;
}

function cookiesOf(request: FastifyRequest): ReadonlyMap<string, string> {
	const pairs = (request.headers.cookie ?? '').split(';').map((pair): [string, string] => {
		const [name = '', value = ''] = pair.trim().split('=', 2);
		return [name, value];
	});
	return new Map(pairs);
}
