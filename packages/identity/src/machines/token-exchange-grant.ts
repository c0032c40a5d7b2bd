/** The grant of RFC 8693 at the token endpoint: its parameters and its answer. */
import { DomainError } from '@chancery/chassis/domain-error';
import { TOKEN_EXCHANGE_GRANT, TOKEN_TYPES } from '@chancery/wire/identity';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { type ExchangeDeps, type ExchangedToken, exchangeToken } from './exchange-token.ts';
import { oauthRefusal, refusal } from './oauth-refusal.ts';
import { requestedBy } from './requested-by.ts';

/** RFC 8693 section 2.1, and the one that Dex adds. The library refuses each of them when it stands twice. */
const PARAMETERS = [
	...['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'],
	...['actor_token', 'actor_token_type', 'connector_id'],
];

const KNOWN_TYPES: readonly string[] = Object.values(TOKEN_TYPES);

/** Adds the grant. Clients use it whose `grant_types` have it. */
export function registerTokenExchange(provider: Provider, deps: ExchangeDeps): void {
	const answer = async (ctx: KoaContextWithOIDC) => {
		const parameters = parametersOf(ctx);
		const audience = parameters.audience ?? String(ctx.oidc.client?.clientId);
		const exchanged = await exchange(ctx, deps, { ...parameters, audience });
		const type = parameters.requestedTokenType;
		ctx.body = {
			access_token: exchanged.token,
			issued_token_type: type,
			// RFC 8693 section 2.2.1: what is not an access token has no way to be used as one.
			token_type: type === TOKEN_TYPES.accessToken ? 'Bearer' : 'N_A',
			expires_in: exchanged.expiresInSeconds,
			// What the token says follows from the subject token alone, whatever scope was asked for.
			...(parameters.scope === undefined ? {} : { scope: 'openid' }),
		};
	};
	provider.registerGrantType(TOKEN_EXCHANGE_GRANT, answer, PARAMETERS);
}

interface Parameters {
	readonly subjectToken: string;
	readonly requestedTokenType: string;
	readonly audience: string | undefined;
	readonly connectorId: string | undefined;
	readonly scope: string | undefined;
}

function parametersOf(ctx: KoaContextWithOIDC): Parameters {
	const given = (name: string): string | undefined => {
		const value = ctx.oidc.params?.[name];
		return typeof value === 'string' && value !== '' ? value : undefined;
	};
	if (given('actor_token') !== undefined || given('actor_token_type') !== undefined)
		throw invalidRequest('actor_token is not supported: the token that is issued names the subject alone');
	if (given('resource') !== undefined)
		throw refusal(400, 'invalid_target', 'resource is not supported; name the target in audience');
	const subjectToken = given('subject_token');
	if (subjectToken === undefined) throw invalidRequest('subject_token is missing');
	const subjectTokenType = given('subject_token_type');
	if (subjectTokenType === undefined || !KNOWN_TYPES.includes(subjectTokenType))
		throw invalidRequest(`subject_token_type is one of ${KNOWN_TYPES.join(' ')}`);
	const requestedTokenType = given('requested_token_type') ?? TOKEN_TYPES.idToken;
	if (!KNOWN_TYPES.includes(requestedTokenType))
		throw invalidRequest(`requested_token_type is one of ${KNOWN_TYPES.join(' ')}`);
	return {
		subjectToken,
		requestedTokenType,
		audience: given('audience'),
		connectorId: given('connector_id'),
		scope: given('scope'),
	};
}

async function exchange(
	ctx: KoaContextWithOIDC,
	deps: ExchangeDeps,
	{ subjectToken, audience, connectorId }: Parameters & { readonly audience: string },
): Promise<ExchangedToken> {
	const by = requestedBy(ctx);
	try {
		return await exchangeToken(deps, { subjectToken, audience, connectorId, by });
	} catch (error) {
		if (!(error instanceof DomainError)) throw error;
		// Nobody vouches for the subject of a token that is refused: a line in the log, and no row.
		await deps.audit({ ...by, kind: 'token-exchange', outcome: 'refused', reason: error.code });
		throw oauthRefusal(ctx, error);
	}
}

const invalidRequest = (description: string) => refusal(400, 'invalid_request', description);
