/** Connector type `oidc`: any provider of OpenID Connect with a discovery document. */

import type { Environment } from '@chancery/chassis/config/secret';
import { DomainError } from '@chancery/chassis/domain-error';
import { emailAddress } from '@chancery/wire/identity';
import * as client from 'openid-client';
import { z } from 'zod';
import { type ConnectorDeps, connectorSettingsShape, connectorType, type Person } from './connector.ts';

const configSchema = (env?: Environment) =>
	z.strictObject({
		type: z.literal('oidc').describe('Connector type of this entry; decides which other fields it has.'),
		...connectorSettingsShape(env),
		issuer: z
			.url({ protocol: /^https?$/ })
			.max(2048)
			.describe('Issuer URL of the provider, byte for byte as in its discovery document.'),
		emailVerified: z
			.enum(['claim', 'always'])
			.default('claim')
			.describe(
				'`claim`: only addresses that the provider marks with `email_verified` sign in. `always`: all of its addresses do, for providers that know their people but send no such claim. Danger: where people choose their address, anyone can be anyone.',
			),
	});

export const oidc = connectorType<ReturnType<typeof configSchema>>({
	name: 'oidc',
	configSchema,
	findings: ({ issuer, emailVerified }) => [
		...(issuer.startsWith('https:')
			? []
			: [{ exception: 'plain-issuers' as const, found: `${issuer} is asked without TLS` }]),
		...(emailVerified === 'claim'
			? []
			: [{ exception: 'unverified-email' as const, found: 'addresses need not be verified' }]),
	],
	open(settings, deps) {
		const upstream = () => discover(settings, deps);
		return {
			id: settings.id,
			name: settings.name,
			async begin({ redirectUri, state, nonce, codeVerifier }) {
				return client.buildAuthorizationUrl(await upstream(), {
					redirect_uri: redirectUri,
					scope: 'openid email',
					state,
					nonce,
					code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
					code_challenge_method: 'S256',
				});
			},
			async finish(returned, { state, nonce, codeVerifier }): Promise<Person> {
				const tokens = await client.authorizationCodeGrant(await upstream(), returned, {
					expectedState: state,
					expectedNonce: nonce,
					pkceCodeVerifier: codeVerifier,
					idTokenExpected: true,
				});
				const claims = tokens.claims();
				const email = emailAddress.safeParse(claims?.email);
				if (!claims || !email.success) throw new DomainError('login-refused', 'The provider names no e-mail address.');
				return {
					userId: claims.sub,
					email: email.data,
					emailVerified: settings.emailVerified === 'always' || claims.email_verified === true,
				};
			},
		};
	},
});

async function discover(
	settings: z.output<ReturnType<typeof configSchema>>,
	deps: ConnectorDeps,
): Promise<client.Configuration> {
	const issuer = new URL(settings.issuer);
	const secret = settings.clientSecret?.reveal();
	return client.discovery(
		issuer,
		settings.clientId,
		undefined,
		secret === undefined ? client.None() : client.ClientSecretBasic(secret),
		{
			[client.customFetch]: deps.fetch as client.CustomFetch,
			execute: issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [],
		},
	);
}
