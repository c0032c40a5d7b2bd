/**
 * Connector type `microsoft`: accounts of Microsoft Entra ID and personal accounts of Microsoft.
 * https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
 *
 * Three things differ from what OpenID Connect leads one to expect. The endpoint of many tenants describes itself with the
 * issuer `.../{tenantid}/v2.0`: the issuer of a token is only right for the tenant that the token names. `sub` is another one
 * for each application, so an account is its `oid` in its `tid`. And `email` is whatever the directory of a tenant has, which
 * its administrators write as they like, for any domain: only `xms_edov` says that the domain is the tenant's.
 * `preferred_username` proves nothing and is not read.
 */
import type { Environment } from '@chancery/chassis/config/secret';
import { secret } from '@chancery/chassis/config/secret';
import type { Claims } from '@chancery/chassis/tokens/claims';
import { z } from 'zod';
import { checkRules, rulesField, WHOLE_WORLD } from './claim-policy.ts';
import { connectorSettingsShape, connectorType } from './connector.ts';
import { openIdProvider } from './openid-sign-in.ts';
import { UpstreamFailure } from './upstream-failure.ts';

const GLOBAL_CLOUD = 'https://login.microsoftonline.com';
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const MANY_TENANTS: ReadonlySet<string> = new Set(['common', 'organizations', 'consumers']);

const guid = z.string().regex(GUID, 'expected a tenant id: a GUID in lower case');

const configSchema = (env?: Environment) =>
	z
		.strictObject({
			type: z.literal('microsoft').describe('Connector type of this entry; decides which other fields it has.'),
			...connectorSettingsShape(env),
			clientSecret: secret(env).describe('{ file } or { env } with the secret of that client.'),
			tenant: z
				.string()
				.max(253)
				.regex(
					/^[a-z0-9][a-z0-9.-]*$/,
					'expected a tenant id, a domain of the tenant, common, organizations or consumers',
				)
				.describe(
					'Id (GUID) of the tenant whose people sign in. `organizations`, `consumers` or `common` (both): people of many tenants, see `tenants`.',
				),
			tenants: z
				.array(guid)
				.max(256)
				.default([])
				.describe('Ids of the tenants that are accepted where `tenant` stands for many. Default: all of them.'),
			host: z
				.url({ protocol: /^https$/ })
				.max(512)
				.transform((url) => url.replace(/\/$/, ''))
				.default(GLOBAL_CLOUD)
				.describe(
					'Base URL of the sign-in; national clouds have their own. Default `https://login.microsoftonline.com`.',
				),
			emailVerified: z
				.enum(['xms_edov', 'tenant'])
				.default('xms_edov')
				.describe(
					'`xms_edov`: only addresses in domains that the tenant has proved to own; add the optional claims `email` and `xms_edov` to the application. `tenant`: every address in the directory of the one tenant, guests included. Danger: its administrators write there what they like.',
				),
			rules: rulesField,
		})
		.refine(({ tenant, emailVerified }) => emailVerified === 'xms_edov' || !MANY_TENANTS.has(tenant), {
			message: 'tenant needs one tenant: anybody can make another one and write any address into it',
			path: ['emailVerified'],
		})
		.refine(({ host, tenant }) => host === GLOBAL_CLOUD || GUID.test(tenant), {
			message: 'at this host only the id of a tenant (a GUID) works',
			path: ['tenant'],
		});

export const microsoft = connectorType<ReturnType<typeof configSchema>>({
	name: 'microsoft',
	configSchema,
	findings: ({ tenant, tenants, rules, emailVerified }) => [
		...(MANY_TENANTS.has(tenant) && tenants.length + rules.length === 0
			? [{ exception: 'global-issuers' as const, found: WHOLE_WORLD }]
			: []),
		...(emailVerified === 'xms_edov'
			? []
			: [{ exception: 'unverified-email' as const, found: 'addresses are as the directory of the tenant has them' }]),
	],
	open({ tenant, tenants, host, emailVerified, rules, ...settings }, deps) {
		return {
			...openIdProvider(
				{
					settings: { ...settings, issuer: `${host}/${tenant}/v2.0`, tokenEndpointAuth: 'client_secret_post' },
					// `oid` comes with the scope `profile`.
					scopes: ['openid', 'email', 'profile'],
					parameters: { prompt: 'select_account' },
					person(claims) {
						const tid = tenantOf(claims, host, tenants);
						checkRules(claims, rules);
						return {
							userId: typeof claims.oid === 'string' ? `${claims.oid}.${tid}` : undefined,
							email: claims.email,
							emailVerified: emailVerified === 'tenant' || isDomainOwned(claims.xms_edov),
						};
					},
				},
				deps,
			),
			subjectFormat: /^[0-9a-f-]{36}\.[0-9a-f-]{36}$/,
		};
	},
});

/** The tenant of the account. @throws {UpstreamFailure} */
function tenantOf({ tid, iss }: Claims, host: string, tenants: readonly string[]): string {
	if (typeof tid !== 'string' || !GUID.test(tid))
		throw new UpstreamFailure('upstream-token-invalid', "the claim 'tid' is no tenant id");
	// The library has compared `iss` with the discovery document, whose issuer may stand for any tenant.
	if (iss !== `${host}/${tid}/v2.0`)
		throw new UpstreamFailure(
			'upstream-token-invalid',
			`the issuer is ${String(iss).slice(0, 200)}, not that of the tenant ${tid}`,
		);
	if (tenants.length > 0 && !tenants.includes(tid))
		throw new UpstreamFailure('upstream-not-allowed', `the account is of the tenant ${tid}`);
	return tid;
}

/** "Email domain owner verified": seen as a boolean, as a number and as text. */
function isDomainOwned(claim: unknown): boolean {
	return claim === true || claim === 1 || claim === '1' || claim === 'true';
}
