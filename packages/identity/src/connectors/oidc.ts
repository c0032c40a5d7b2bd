/** Connector type `oidc`: any provider of OpenID Connect with a discovery document. */
import type { Environment } from '@chancery/chassis/config/secret';
import { z } from 'zod';
import { checkRules, isTrue, rulesField } from './claim-policy.ts';
import { connectorSettingsShape, connectorType } from './connector.ts';
import { openIdProvider } from './openid-sign-in.ts';

const FORMATS = { digits: /^[0-9]+$/, uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ } as const;

const claimName = z.string().min(1).max(128);

const configSchema = (env?: Environment) =>
	z.strictObject({
		type: z.literal('oidc').describe('Connector type of this entry; decides which other fields it has.'),
		...connectorSettingsShape(env),
		issuer: z
			.url({ protocol: /^https?$/ })
			.max(2048)
			.describe('Issuer URL of the provider, byte for byte as in its discovery document.'),
		scopes: z
			.array(z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'expected a scope: printable ASCII without spaces'))
			.max(32)
			.refine((scopes) => scopes.includes('openid'), 'expected openid among them: without it there is no ID token')
			.default(['openid', 'email'])
			.describe('Scopes that are asked for. Add those that the claims of the rules need, such as `groups`.'),
		userIdClaim: claimName
			.default('sub')
			.describe(
				'Claim with the id of the account, which must never be given to somebody else. Changing it makes new accounts of all people.',
			),
		subjectFormat: z
			.enum(['digits', 'uuid'])
			.optional()
			.describe(
				'Form of that id (`uuid`: lower case). Ids of another form are refused (`upstream-subject-changed`): the provider has changed how it names accounts, and everybody would be somebody else. Default: any form.',
			),
		emailClaim: claimName
			.default('email')
			.describe('Claim with the address. Danger: in a claim that people may edit, anyone can be anyone.'),
		emailVerified: z
			.enum(['claim', 'always'])
			.default('claim')
			.describe(
				'`claim`: only addresses that the provider marks with `email_verified` sign in. `always`: all of its addresses do, for providers that know their people but send no such claim. Danger: where people choose their address, anyone can be anyone.',
			),
		tokenEndpointAuth: z
			.enum(['client_secret_basic', 'client_secret_post'])
			.optional()
			.describe(
				'How the client secret is sent. Default: as the discovery document says, and in the header where it says nothing.',
			),
		rules: rulesField,
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
		const { userIdClaim, emailClaim, emailVerified, rules, subjectFormat } = settings;
		return {
			...openIdProvider(
				{
					settings,
					scopes: settings.scopes,
					// Some providers put the address into the answer of the userinfo endpoint alone.
					wantedClaims: [
						...[userIdClaim, emailClaim, ...rules.map(({ claim }) => claim)],
						...(emailVerified === 'claim' ? ['email_verified'] : []),
					],
					person(claims) {
						checkRules(claims, rules);
						return {
							userId: claims[userIdClaim],
							email: claims[emailClaim],
							emailVerified: emailVerified === 'always' || isTrue(claims.email_verified),
						};
					},
				},
				deps,
			),
			...(subjectFormat === undefined ? {} : { subjectFormat: FORMATS[subjectFormat] }),
		};
	},
});
