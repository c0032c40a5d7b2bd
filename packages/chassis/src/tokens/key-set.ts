/**
 * What an issuer publishes about its signing keys: the discovery document (OpenID Connect Discovery 1.0 section 4) and
 * the key set that it names (RFC 7517). The issuer is configured, what it publishes is not trusted.
 */
import { readJwk } from '@chancery/keys/jwk';
import type { Transport } from '@chancery/net/transport';
import {
	type CryptoKey,
	createLocalJWKSet,
	errors,
	type FlattenedJWSInput,
	type JWK,
	type JWSHeaderParameters,
} from 'jose';
import { z } from 'zod';
import { fetchDocument } from './fetch-document.ts';
import { MAX_KEYS } from './issuer-key-source.ts';

/** The asymmetric algorithms we know. `none` and the HMAC family are not here, whatever an issuer announces. */
export const KNOWN_ALGORITHMS: ReadonlySet<string> = new Set(
	'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
);
/** What an issuer that announces nothing must use (OpenID Connect Core section 3.1.3.7). */
const DEFAULT_ALGORITHMS = ['RS256'];

const discoveryDocument = z.object({
	issuer: z.string(),
	jwks_uri: z.url({ protocol: /^https?$/ }).max(2048),
	id_token_signing_alg_values_supported: z.array(z.string()).max(100).optional(),
});
const jwks = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MAX_KEYS) });

export interface KeySet {
	/** The announced algorithms, as far as we know them too. */
	readonly algorithms: readonly string[];
	/** The keys that may have signed a token with this header: none when no key fits, several when it names no `kid`. */
	find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey[]>;
}

/**
 * Asks the issuer, until `signal` says that it is enough.
 * @throws {Error} of any kind; its text names our network and stays in the log
 */
export async function fetchKeySet(issuer: string, transport: Transport, signal: AbortSignal): Promise<KeySet> {
	const discovery = discoveryDocument.parse(
		await fetchDocument(transport, new URL(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`), signal),
	);
	if (discovery.issuer !== issuer)
		throw new Error(`the discovery document of ${issuer} names the issuer ${discovery.issuer.slice(0, 200)}`);
	const { keys } = jwks.parse(await fetchDocument(transport, keySetUrl(issuer, discovery.jwks_uri), signal));
	// One key that nobody should check signatures with does not spoil the others.
	const usable = keys.filter((key) => readJwk(key) !== undefined);
	const announced = discovery.id_token_signing_alg_values_supported ?? DEFAULT_ALGORITHMS;
	return keySetOf(
		usable,
		announced.filter((name) => KNOWN_ALGORITHMS.has(name)),
	);
}

/** A set of these keys, each of which `readJwk` reads. Nobody announces algorithms for configured keys: each key allows its own. */
export function keySetOf(keys: readonly JWK[], algorithms: readonly string[] = [...KNOWN_ALGORITHMS]): KeySet {
	const find = createLocalJWKSet({ keys: [...keys] });
	return { algorithms, find: (header, token) => select(find, header, token) };
}

/** An issuer may keep its keys on another host, but may not make us leave TLS, nor talk to a neighbour in plain text. */
function keySetUrl(issuer: string, jwksUri: string): URL {
	const url = new URL(jwksUri);
	if (url.protocol !== 'https:' && url.origin !== new URL(issuer).origin)
		throw new Error(`the keys of ${issuer} are announced at ${url.origin}, neither https nor the issuer's own origin`);
	return url;
}

async function select(
	find: ReturnType<typeof createLocalJWKSet>,
	header: JWSHeaderParameters,
	token: FlattenedJWSInput,
): Promise<CryptoKey[]> {
	try {
		return [await find(header, token)];
	} catch (error) {
		if (error instanceof errors.JWKSMultipleMatchingKeys) {
			const keys: CryptoKey[] = [];
			for await (const key of error) keys.push(key);
			return keys;
		}
		// Anything else says that no key of the set can check this header: an unknown `kid`, or a key that jose refuses.
		if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) return [];
		throw error;
	}
}
