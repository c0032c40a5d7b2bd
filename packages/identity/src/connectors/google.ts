/**
 * Connector type `google`: accounts of Google, and of the organizations that have theirs there.
 * https://developers.google.com/identity/openid-connect/openid-connect
 */
import type { Environment } from '@chancery/chassis/config/secret';
import { secret } from '@chancery/chassis/config/secret';
import { z } from 'zod';
import { checkRules, isTrue, rulesField, WHOLE_WORLD } from './claim-policy.ts';
import { connectorSettingsShape, connectorType } from './connector.ts';
import { openIdProvider } from './openid-sign-in.ts';
import { UpstreamFailure } from './upstream-failure.ts';

const ISSUER = 'https://accounts.google.com';

const configSchema = (env?: Environment) =>
	z.strictObject({
		type: z.literal('google').describe('Connector type of this entry; decides which other fields it has.'),
		...connectorSettingsShape(env),
		clientSecret: secret(env).describe('{ file } or { env } with the secret of that client.'),
		hostedDomains: z
			.array(z.string().regex(/^[a-z0-9.-]+\.[a-z0-9-]+$/, 'expected a domain in lower case, such as example.com'))
			.max(64)
			.default([])
			.describe(
				'Domains of organizations at Google whose accounts sign in, compared with the claim `hd`. The domain of an address says nothing about the account. Default: everybody with a Google account.',
			),
		rules: rulesField,
	});

export const google = connectorType<ReturnType<typeof configSchema>>({
	name: 'google',
	configSchema,
	findings: ({ hostedDomains, rules }) =>
		hostedDomains.length + rules.length > 0 ? [] : [{ exception: 'global-issuers', found: WHOLE_WORLD }],
	open({ hostedDomains, rules, ...settings }, deps) {
		const [only] = hostedDomains;
		return {
			...openIdProvider(
				{
					settings: { ...settings, issuer: ISSUER, tokenEndpointAuth: 'client_secret_post' },
					scopes: ['openid', 'email'],
					parameters: {
						prompt: 'select_account',
						// Chooses what Google offers. Whoever signs in may change it: the claim is what counts.
						...(only !== undefined && hostedDomains.length === 1 ? { hd: only } : {}),
					},
					person(claims) {
						if (hostedDomains.length > 0 && !hostedDomains.some((domain) => domain === claims.hd))
							throw new UpstreamFailure(
								'upstream-not-allowed',
								`the account is of ${typeof claims.hd === 'string' ? `the domain ${claims.hd}` : 'no hosted domain'}`,
							);
						checkRules(claims, rules);
						return { userId: claims.sub, email: claims.email, emailVerified: isTrue(claims.email_verified) };
					},
				},
				deps,
			),
			subjectFormat: /^[0-9]+$/,
		};
	},
});
