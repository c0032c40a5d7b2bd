/**
 * A sign-in at a provider of OpenID Connect, the same for all of them: code flow with PKCE, `state` and `nonce`, and an ID
 * token whose signature and claims are checked (OpenID Connect Core sections 3.1.2 and 3.1.3). Who it is about is read by the
 * connector type.
 */

import type { Claims } from '@chancery/chassis/tokens/claims';
import * as client from 'openid-client';
import type { ConnectorDeps, NamedPerson, Provider, UpstreamLogin } from './connector.ts';
import { checkSignature, type Discovered, discoveredProvider, type ProviderSettings } from './discovered-provider.ts';
import type { RenewedValue } from './renewed-value.ts';
import { failureOf, UpstreamFailure } from './upstream-failure.ts';

export interface OpenIdSignIn {
	readonly settings: ProviderSettings;
	readonly scopes: readonly string[];
	/** Besides those of the flow. */
	readonly parameters?: Readonly<Record<string, string>>;
	/** Asks the userinfo endpoint as well, when one of these claims is not in the ID token. */
	readonly wantedClaims?: readonly string[];
	/** @throws {UpstreamFailure} when the person may not sign in */
	person(claims: Claims): NamedPerson;
}

export function openIdProvider(signIn: OpenIdSignIn, { fetch, clock }: ConnectorDeps): Provider {
	const { settings } = signIn;
	const discovered = discoveredProvider(settings, fetch, clock);
	return {
		address: settings.issuer,
		begin: async (login) => begin(signIn, (await discovered.get()).client, login),
		finish: async (returned, login) => signIn.person(await claimsOf(signIn, await discovered.get(), returned, login)),
		state: () => stateOf(discovered),
		renew: () => discovered.renew(),
		probe: (redirectUri) => probe(settings, discovered, redirectUri),
	};
}

async function begin(
	{ scopes, parameters }: OpenIdSignIn,
	configuration: client.Configuration,
	{ redirectUri, state, nonce, codeVerifier }: UpstreamLogin,
): Promise<URL> {
	return client.buildAuthorizationUrl(configuration, {
		...parameters,
		redirect_uri: redirectUri,
		scope: scopes.join(' '),
		state,
		nonce,
		code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
		code_challenge_method: 'S256',
	});
}

async function claimsOf(
	{ wantedClaims = [] }: OpenIdSignIn,
	{ client: configuration, keys }: Discovered,
	returned: URL,
	{ state, nonce, codeVerifier }: UpstreamLogin,
): Promise<Claims> {
	// Checks `iss` of the answer (RFC 9207) where the provider announces it, and takes no other state than that of this sign-in.
	const tokens = await client.authorizationCodeGrant(configuration, returned, {
		expectedState: state,
		expectedNonce: nonce,
		pkceCodeVerifier: codeVerifier,
		idTokenExpected: true,
	});
	const claims = tokens.claims();
	if (!claims || tokens.id_token === undefined) throw new UpstreamFailure('upstream-invalid', 'there is no ID token');
	await checkSignature(tokens.id_token, keys);
	const isWhole = wantedClaims.every((name) => Object.hasOwn(claims, name));
	if (isWhole || configuration.serverMetadata().userinfo_endpoint === undefined) return claims;
	// Of the same person: the library compares the subjects. The ID token wins, because it is signed.
	const more = await client.fetchUserInfo(configuration, tokens.access_token, claims.sub);
	return { ...more, ...claims };
}

function stateOf(discovered: RenewedValue<Discovered>): { ok: boolean; detail: string } {
	const { failure, isKnown } = discovered;
	if (failure === undefined) return { ok: true, detail: isKnown ? 'answers' : 'not asked yet' };
	return { ok: false, detail: failure instanceof Error ? failure.message.slice(0, 300) : 'failed' };
}

/** As a code that no provider gave out: who knows the client refuses the code, and who does not, refuses the client. */
const MADE_UP_CODE = 'chancery-doctor-asks-whether-the-client-is-known';

async function probe(
	settings: ProviderSettings,
	discovered: RenewedValue<Discovered>,
	redirectUri: string,
): Promise<string> {
	const { client: configuration, keys } = await discovered.get();
	await keys.reload();
	const found = `discovery document and ${keys.jwks()?.keys.length ?? 0} keys`;
	return `${found}; ${await probeClient(configuration, new URL(settings.issuer).host, redirectUri)}`;
}

/** @throws {UpstreamFailure} `upstream-misconfigured` when the client or its secret is not the one that the provider knows */
export async function probeClient(
	configuration: client.Configuration,
	host: string,
	redirectUri: string,
): Promise<string> {
	try {
		await client.genericGrantRequest(configuration, 'authorization_code', {
			code: MADE_UP_CODE,
			redirect_uri: redirectUri,
			code_verifier: client.randomPKCECodeVerifier(),
		});
	} catch (error) {
		const failure = failureOf(error, host);
		if (failure.code === 'upstream-code-refused') return 'it knows this client and its secret';
		if (failure.code === 'upstream-misconfigured') throw failure;
		return `it did not say whether it knows this client (${failure.message.slice(0, 200)})`;
	}
	return 'it did not say whether it knows this client';
}
