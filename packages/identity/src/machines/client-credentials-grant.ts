/**
 * The grant `client_credentials` (RFC 6749 section 4.4) for machine clients.
 *
 * The answer has an `id_token` besides the access token, which the standard does not know: cosign takes that one, and checks
 * its issuer and that its audience has the client id; the certificate authority wants its own audience in the same token.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { clientOf } from '@chancery/chassis/http/client-address';
import type { Clock } from '@chancery/chassis/service';
import { toBase64Url } from '@chancery/core/bytes';
import type { Sql } from '@chancery/postgres/sql';
import { SIGSTORE_AUDIENCE } from '@chancery/wire/identity';
import type { ClientMetadata, KoaContextWithOIDC, Provider } from 'oidc-provider';
import { Provider as ProviderClass } from 'oidc-provider/lib/provider.js';
import { claimsOf } from '../domain/account.ts';
import type { Audit } from '../domain/audit.ts';
import { countWrongGuess, refuseTooMany } from '../domain/guess-limits.ts';
import type { IssuerKeys } from '../domain/issuer-keys.ts';
import type { MachineClient } from './machine-clients.ts';
import { oauthRefusal, refusal } from './oauth-refusal.ts';
import { requestedBy } from './requested-by.ts';

export const CLIENT_CREDENTIALS_GRANT = 'client_credentials';

const SCOPE = 'openid email';

export interface ClientCredentialsDeps {
	readonly issuer: string;
	readonly machineClients: ReadonlyMap<string, MachineClient>;
	readonly keys: IssuerKeys;
	readonly database: Sql;
	readonly clock: Clock;
	readonly random: (n: number) => Uint8Array;
	readonly tokenLifetimeSeconds: number;
	readonly audit: Audit;
}

/** How the library knows a machine client. It wants a secret to be there; the one that counts is compared by `isSecret`. */
export function machineClientMetadata(id: string, random: (n: number) => Uint8Array): ClientMetadata {
	return {
		client_id: id,
		client_secret: toBase64Url(random(32)),
		token_endpoint_auth_method: 'client_secret_basic',
		grant_types: [CLIENT_CREDENTIALS_GRANT],
		response_types: [],
		redirect_uris: [],
	};
}

/** Adds the grant, and the comparison of secrets. The library authenticates the client before the grant is asked. */
export function registerClientCredentials(provider: Provider, deps: ClientCredentialsDeps): void {
	const { machineClients, audit } = deps;
	provider.Client.prototype.compareClientSecret = async function compareClientSecret(given: string) {
		const client = machineClients.get(this.clientId);
		return client !== undefined && isRightSecret(deps, client, given);
	};
	provider.registerGrantType(
		CLIENT_CREDENTIALS_GRANT,
		async (ctx) => {
			const client = machineClients.get(ctx.oidc.client?.clientId ?? '');
			// Public clients do not have this grant, so that the library has refused them before.
			if (!client) throw refusal(401, 'invalid_client', 'this client has no identity of its own');
			const { connectorId, sub, email } = client.account;
			const who = { connectorId, subject: sub, email };
			await audit({ kind: 'client-credentials', outcome: 'accepted', ...requestedBy(ctx), ...who });
			ctx.body = await issueTokens(deps, client);
		},
		['scope'],
	);
}

/** @throws {errors.OIDCProviderError} 429 after too many wrong ones, also for the right one: it must not be told apart */
async function isRightSecret(deps: ClientCredentialsDeps, client: MachineClient, given: string): Promise<boolean> {
	// The library compares within a request, and gives its comparison nothing of it.
	const ctx = ProviderClass.ctx as KoaContextWithOIDC;
	const guess = { what: 'client-secret', of: client.id, from: clientOf(ctx.req.socket.remoteAddress) } as const;
	try {
		await refuseTooMany(deps, guess);
	} catch (error) {
		throw error instanceof DomainError ? oauthRefusal(ctx, error) : error;
	}
	if (client.isSecret(given)) return true;
	await countWrongGuess(deps, guess);
	const refused = { kind: 'client-credentials', outcome: 'refused', reason: 'wrong-secret' } as const;
	await deps.audit({ ...requestedBy(ctx), ...refused, clientId: client.id });
	return false;
}

async function issueTokens(deps: ClientCredentialsDeps, client: MachineClient): Promise<Record<string, unknown>> {
	const iat = Math.floor(deps.clock() / 1000);
	const common = () => ({
		...claimsOf(client.account),
		...(client.name === undefined ? {} : { name: client.name }),
		iss: deps.issuer,
		iat,
		exp: iat + deps.tokenLifetimeSeconds,
		jti: toBase64Url(deps.random(16)),
	});
	const [idToken, accessToken] = await Promise.all([
		// OpenID Connect Core section 2: with several audiences, `azp` says to whom the token was issued.
		deps.keys.signClaims({ ...common(), aud: [client.id, SIGSTORE_AUDIENCE], azp: client.id }),
		deps.keys.signClaims({ ...common(), aud: SIGSTORE_AUDIENCE, client_id: client.id, scope: SCOPE }),
	]);
	return {
		access_token: accessToken,
		id_token: idToken,
		token_type: 'Bearer',
		expires_in: deps.tokenLifetimeSeconds,
		scope: SCOPE,
	};
}
