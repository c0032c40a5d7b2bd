/**
 * Connector type `github`: accounts of github.com, of GHE.com, or of a server of one's own. GitHub has OAuth 2.0 for people, no
 * OpenID Connect: who somebody is, is asked at its API with the access token.
 * https://docs.github.com/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps
 */
import type { Environment } from '@chancery/chassis/config/secret';
import { secret } from '@chancery/chassis/config/secret';
import * as client from 'openid-client';
import { z } from 'zod';
import { WHOLE_WORLD } from './claim-policy.ts';
import { connectorSettingsShape, connectorType } from './connector.ts';
import { GitHubApi } from './github-api.ts';
import { probeClient } from './openid-sign-in.ts';
import { UpstreamFailure } from './upstream-failure.ts';

const PUBLIC_HOST = 'https://github.com';

const configSchema = (env?: Environment) =>
	z.strictObject({
		type: z.literal('github').describe('Connector type of this entry; decides which other fields it has.'),
		...connectorSettingsShape(env),
		clientSecret: secret(env).describe('{ file } or { env } with the secret of that client.'),
		host: z
			.url({ protocol: /^https?$/ })
			.max(512)
			.refine((url) => new URL(url).pathname === '/', 'expected an address without a path')
			.transform((url) => new URL(url).origin)
			.default(PUBLIC_HOST)
			.describe('Base URL of the server. Default `https://github.com`.'),
		organizations: z
			.array(z.string().regex(/^[A-Za-z0-9](-?[A-Za-z0-9])*$/, 'expected the name of an organization'))
			.max(20)
			.default([])
			.describe(
				'Organizations whose members sign in: members of one of them. The app must be approved by an organization that restricts apps. Default: everybody with an account there.',
			),
	});

export const github = connectorType<ReturnType<typeof configSchema>>({
	name: 'github',
	configSchema,
	findings: ({ host, organizations }) => [
		...(host.startsWith('https:')
			? []
			: [{ exception: 'plain-issuers' as const, found: `${host} is asked without TLS` }]),
		...(host === PUBLIC_HOST && organizations.length === 0
			? [{ exception: 'global-issuers' as const, found: WHOLE_WORLD }]
			: []),
	],
	open({ host, clientId, clientSecret, organizations }, { fetch }) {
		const configuration = configurationOf(host, clientId, clientSecret.reveal(), fetch);
		const scope = ['user:email', ...(organizations.length > 0 ? ['read:org'] : [])].join(' ');
		return {
			address: host,
			subjectFormat: /^[1-9][0-9]*$/,
			begin: async ({ redirectUri, state, codeVerifier }) =>
				client.buildAuthorizationUrl(configuration, {
					redirect_uri: redirectUri,
					scope,
					state,
					code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
					code_challenge_method: 'S256',
				}),
			async finish(returned, { state, codeVerifier }) {
				const { access_token } = await client.authorizationCodeGrant(configuration, returned, {
					expectedState: state,
					pkceCodeVerifier: codeVerifier,
				});
				const api = new GitHubApi(apiOf(host), access_token, fetch);
				const userId = await api.userId();
				if (organizations.length > 0 && !(await api.isMemberOfAny(organizations)))
					throw new UpstreamFailure(
						'upstream-not-allowed',
						`account ${userId} is a member of none of the organizations`,
					);
				const primary = await api.primaryAddress();
				return { userId, email: primary?.email, emailVerified: primary?.verified ?? false };
			},
			state: () => ({ ok: true, detail: 'has no discovery document: known only when somebody signs in' }),
			renew: async () => undefined,
			probe: (redirectUri) => probeClient(configuration, new URL(host).host, redirectUri),
		};
	},
});

function configurationOf(
	host: string,
	clientId: string,
	clientSecret: string,
	fetcher: typeof fetch,
): client.Configuration {
	const base = `${host}/login/oauth`;
	const endpoints = { authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/access_token` };
	const configuration = new client.Configuration(
		{ issuer: base, ...endpoints },
		clientId,
		undefined,
		client.ClientSecretPost(clientSecret),
	);
	configuration[client.customFetch] = refusalsAsErrors(fetcher) as client.CustomFetch;
	if (host.startsWith('http:')) client.allowInsecureRequests(configuration);
	return configuration;
}

/** GitHub refuses a code with the status 200; RFC 6749 section 5.2 wants 400. */
function refusalsAsErrors(fetcher: typeof fetch): typeof fetch {
	return async (input, init) => {
		const response = await fetcher(input, init);
		const body = await response.text();
		const isRefusal = response.status === 200 && /"error"\s*:/.test(body) && !/"access_token"\s*:/.test(body);
		return new Response(body, { status: isRefusal ? 400 : response.status, headers: response.headers });
	};
}

/** GHE.com has its API on a host of its own, a server below a path. */
function apiOf(host: string): string {
	const { hostname } = new URL(host);
	if (host === PUBLIC_HOST || hostname.endsWith('.ghe.com')) return `https://api.${hostname}`;
	return `${host}/api/v3`;
}
