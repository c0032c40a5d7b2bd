/**
 * Connector type `gitlab`: accounts of gitlab.com, or of a server of one's own.
 * https://docs.gitlab.com/integration/openid_connect_provider/
 */
import type { Environment } from '@chancery/chassis/config/secret';
import { secret } from '@chancery/chassis/config/secret';
import { z } from 'zod';
import { checkRules, isTrue, rulesField, WHOLE_WORLD } from './claim-policy.ts';
import { connectorSettingsShape, connectorType } from './connector.ts';
import { openIdProvider } from './openid-sign-in.ts';

const PUBLIC_HOST = 'https://gitlab.com';

const configSchema = (env?: Environment) =>
	z.strictObject({
		type: z.literal('gitlab').describe('Connector type of this entry; decides which other fields it has.'),
		...connectorSettingsShape(env),
		clientSecret: secret(env).describe('{ file } or { env } with the secret of that client.'),
		host: z
			.url({ protocol: /^https?$/ })
			.max(512)
			.transform((url) => url.replace(/\/$/, ''))
			.default(PUBLIC_HOST)
			.describe('Base URL of the server, which is also its issuer. Default `https://gitlab.com`.'),
		groups: z
			.array(z.string().min(1).max(512))
			.max(64)
			.default([])
			.describe(
				'Full paths of groups, `*` for any characters except `/`: direct members of one of them sign in (claim `groups_direct`). Default: everybody with an account there.',
			),
		rules: rulesField,
	});

export const gitlab = connectorType<ReturnType<typeof configSchema>>({
	name: 'gitlab',
	configSchema,
	findings: ({ host, groups, rules }) => [
		...(host.startsWith('https:')
			? []
			: [{ exception: 'plain-issuers' as const, found: `${host} is asked without TLS` }]),
		...(host === PUBLIC_HOST && groups.length + rules.length === 0
			? [{ exception: 'global-issuers' as const, found: WHOLE_WORLD }]
			: []),
	],
	open({ host, groups, rules, ...settings }, deps) {
		const all = groups.length === 0 ? rules : [...rules, { claim: 'groups_direct', anyOf: groups }];
		return {
			...openIdProvider(
				{
					settings: { ...settings, issuer: host, tokenEndpointAuth: 'client_secret_post' },
					scopes: ['openid', 'email'],
					wantedClaims: ['email', ...all.map(({ claim }) => claim)],
					person(claims) {
						checkRules(claims, all);
						return { userId: claims.sub, email: claims.email, emailVerified: isTrue(claims.email_verified) };
					},
				},
				deps,
			),
			subjectFormat: /^[0-9]+$/,
		};
	},
});
