/**
 * A provider of OpenID Connect as it describes itself (OpenID Connect Discovery 1.0): its endpoints and its keys, and this
 * service as its client.
 */

import type { Secret } from '@chancery/chassis/config/secret';
import type { Clock } from '@chancery/chassis/service';
import {
	compactVerify,
	createRemoteJWKSet,
	type FetchImplementation,
	customFetch as joseFetch,
	type RemoteJWKSet,
} from 'jose';
import * as client from 'openid-client';
import { RenewedValue } from './renewed-value.ts';
import { UpstreamFailure } from './upstream-failure.ts';

export type TokenEndpointAuth = 'client_secret_basic' | 'client_secret_post';

export interface ProviderSettings {
	/** The address that discovery is asked at. */
	readonly issuer: string;
	readonly clientId: string;
	readonly clientSecret?: Secret | undefined;
	/** How the secret is sent. Default: as the discovery document says, in the header where it says nothing. */
	readonly tokenEndpointAuth?: TokenEndpointAuth | undefined;
}

export interface Discovered {
	readonly client: client.Configuration;
	readonly keys: RemoteJWKSet;
}

/** Of `exp`, `nbf` and `iat` in ID tokens: provider and service have clocks of their own. */
const CLOCK_TOLERANCE_SECONDS = 30;
/** Keys that a provider withdrew are forgotten after this time. */
const KEYS_MAX_AGE_MS = 10 * 60_000;
const ALGORITHMS = [
	'RS256',
	'RS384',
	'RS512',
	'PS256',
	'PS384',
	'PS512',
	'ES256',
	'ES384',
	'ES512',
	'EdDSA',
	'Ed25519',
];

/** Asks nobody until somebody signs in. `fetcher` bounds what it answers. */
export function discoveredProvider(
	settings: ProviderSettings,
	fetcher: typeof fetch,
	clock: Clock,
): RenewedValue<Discovered> {
	return new RenewedValue(() => discover(settings, fetcher), clock);
}

async function discover(settings: ProviderSettings, fetcher: typeof fetch): Promise<Discovered> {
	const issuer = new URL(settings.issuer);
	const isPlain = issuer.protocol === 'http:';
	const metadata = { [client.clockTolerance]: CLOCK_TOLERANCE_SECONDS };
	// From an https issuer the library takes https endpoints only.
	const configuration = await client
		.discovery(issuer, settings.clientId, metadata, authentication(settings), {
			[client.customFetch]: fetcher as client.CustomFetch,
			execute: isPlain ? [client.allowInsecureRequests] : [],
		})
		.catch((error: unknown) => {
			throw misconfigured(settings.issuer, error) ?? error;
		});
	return { client: configuration, keys: keysOf(configuration.serverMetadata(), isPlain, fetcher) };
}

/** What openid-client says when something else is at that address than this issuer. */
const NOT_THE_ISSUER: ReadonlyMap<unknown, string> = new Map([
	['OAUTH_RESPONSE_IS_NOT_CONFORM', 'there is no discovery document'],
	['OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED', 'the discovery document names another issuer'],
]);

function misconfigured(issuer: string, error: unknown): UpstreamFailure | undefined {
	const why = error instanceof client.ClientError ? NOT_THE_ISSUER.get(error.code) : undefined;
	if (why === undefined) return undefined;
	const words = `${why} at ${issuer}: is that the issuer, letter for letter?`;
	return new UpstreamFailure('upstream-misconfigured', words, { cause: error });
}

function authentication({ clientSecret, tokenEndpointAuth }: ProviderSettings): client.ClientAuth {
	if (clientSecret === undefined) return client.None();
	const secret = clientSecret.reveal();
	const methods = {
		client_secret_basic: client.ClientSecretBasic(secret),
		client_secret_post: client.ClientSecretPost(secret),
	};
	return (server, ...rest) => {
		const announced = server.token_endpoint_auth_methods_supported;
		const isPostOnly = announced !== undefined && !announced.includes('client_secret_basic');
		methods[tokenEndpointAuth ?? (isPostOnly ? 'client_secret_post' : 'client_secret_basic')](server, ...rest);
	};
}

function keysOf({ jwks_uri }: client.ServerMetadata, isPlain: boolean, fetcher: typeof fetch): RemoteJWKSet {
	if (jwks_uri === undefined || !URL.canParse(jwks_uri))
		throw new UpstreamFailure('upstream-invalid', 'the discovery document names no key set (jwks_uri)');
	const url = new URL(jwks_uri);
	if (url.protocol !== 'https:' && !isPlain)
		throw new UpstreamFailure('upstream-invalid', 'the discovery document names a key set (jwks_uri) without TLS');
	return createRemoteJWKSet(url, {
		[joseFetch]: fetcher as FetchImplementation,
		cacheMaxAge: KEYS_MAX_AGE_MS,
		// A token comes from the provider itself: a key id that is not known means that it has a new key since.
		cooldownDuration: 0,
	});
}

/**
 * Checks the signature of an ID token; its claims are checked before. openid-client would only look at keys again that are
 * a minute old: who signs in right after a rotation would be refused, with a code that is used up.
 */
export async function checkSignature(idToken: string, keys: RemoteJWKSet): Promise<void> {
	await compactVerify(idToken, keys, { algorithms: ALGORITHMS });
}
