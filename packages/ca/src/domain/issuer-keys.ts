/**
 * The signing keys of one issuer: OpenID discovery, then the key set, kept and renewed.
 *
 * Whoever holds no valid token can still make this process ask the issuer for keys, by naming an unknown `kid`. So
 * refreshes are single-flight and no more frequent than one in `MIN_REFRESH_INTERVAL_MS`, whatever the tokens say.
 */
import { readJwk } from '@chancery/keys/jwk';
import { type CryptoKey, createLocalJWKSet, errors, type FlattenedJWSInput, type JWSHeaderParameters } from 'jose';
import { z } from 'zod';
import { fetchDocument } from './fetch-document.ts';

/** The asymmetric algorithms we know. `none` and the HMAC family are not here, whatever an issuer announces. */
const KNOWN_ALGORITHMS: ReadonlySet<string> = new Set(
	'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' '),
);
/** What an issuer that announces nothing must use (OpenID Connect Core section 3.1.3.7). */
const DEFAULT_ALGORITHMS = ['RS256'];

/** A key that the issuer withdrew stops being accepted after this time, while the issuer answers. */
const MAX_AGE_MS = 10 * 60_000;
/** How long the last known keys still serve while the issuer does not answer. */
const MAX_STALE_MS = 60 * 60_000;
const MIN_REFRESH_INTERVAL_MS = 10_000;
/** After a failure with keys in hand: while the issuer hangs, requests wait for it once a minute and not every time. */
const RENEWAL_INTERVAL_MS = 60_000;
/** After a failure with nothing in hand; a provider that starts together with us should not cost ten seconds. */
const RETRY_INTERVAL_MS = 1_000;
const MAX_KEYS = 100;

const discoveryDocument = z.object({
	issuer: z.string(),
	jwks_uri: z.url({ protocol: /^https?$/ }).max(2048),
	id_token_signing_alg_values_supported: z.array(z.string()).max(100).optional(),
});
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MAX_KEYS) });

/** The issuer gave no usable keys. The reason names our network and stays in the log. */
export class IssuerUnavailableError extends Error {
	override readonly name = 'IssuerUnavailableError';
}

interface Loaded {
	readonly algorithms: readonly string[];
	readonly find: ReturnType<typeof createLocalJWKSet>;
	readonly loadedAtMs: number;
}

export interface IssuerKeysDeps {
	readonly fetch: typeof fetch;
	/** Unix milliseconds. */
	readonly clock: () => number;
}

export class IssuerKeys {
	readonly #issuer: string;
	readonly #deps: IssuerKeysDeps;
	#loaded: Loaded | undefined;
	#lastAttemptMs: number | undefined;
	#failure: unknown;
	#flight: Promise<void> | undefined;

	constructor(issuer: string, deps: IssuerKeysDeps) {
		this.#issuer = issuer;
		this.#deps = deps;
	}

	/** What is known without asking anyone; for health. */
	state(): { ok: boolean; detail: string } {
		const failed = this.#failure === undefined ? '' : '; the last attempt to fetch them failed';
		if (this.#loaded) return { ok: failed === '', detail: `keys known${failed}` };
		return { ok: failed === '', detail: failed === '' ? 'not asked yet' : 'keys not known; the last attempt failed' };
	}

	/**
	 * The algorithms this issuer signs with, as far as we know them too.
	 * @throws IssuerUnavailableError
	 */
	async algorithms(): Promise<readonly string[]> {
		return (await this.#current()).algorithms;
	}

	/**
	 * The keys that may have signed a token with this protected header: none when no key fits, several when the token
	 * names no `kid`. Asks the issuer again for a `kid` that is not known.
	 * @throws IssuerUnavailableError
	 */
	async candidates(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey[]> {
		const loaded = await this.#current();
		const known = await select(loaded, header, token);
		if (known.length > 0 || !this.#mayAsk(MIN_REFRESH_INTERVAL_MS)) return known;
		await this.#refresh();
		return this.#loaded && this.#loaded !== loaded ? select(this.#loaded, header, token) : known;
	}

	async #current(): Promise<Loaded> {
		const interval = this.#loaded ? RENEWAL_INTERVAL_MS : RETRY_INTERVAL_MS;
		if (this.#since(this.#loaded?.loadedAtMs) > MAX_AGE_MS && this.#mayAsk(interval)) await this.#refresh();
		if (!this.#loaded || this.#since(this.#loaded.loadedAtMs) > MAX_STALE_MS)
			throw new IssuerUnavailableError(`no keys of ${this.#issuer}`, { cause: this.#failure });
		return this.#loaded;
	}

	#mayAsk(intervalMs: number): boolean {
		// A refresh that is under way may be joined by anyone; it costs the issuer nothing more.
		return this.#flight !== undefined || this.#since(this.#lastAttemptMs) >= intervalMs;
	}

	/** Time that has passed. A clock that was set back must not make anything last for ever. */
	#since(momentMs: number | undefined): number {
		return momentMs === undefined ? Number.POSITIVE_INFINITY : Math.abs(this.#deps.clock() - momentMs);
	}

	/** Never throws: a failure is kept, and whoever needs keys finds out that there are none. */
	#refresh(): Promise<void> {
		this.#flight ??= this.#load().finally(() => {
			this.#flight = undefined;
		});
		return this.#flight;
	}

	async #load(): Promise<void> {
		this.#lastAttemptMs = this.#deps.clock();
		try {
			const discovery = discoveryDocument.parse(
				await fetchDocument(
					this.#deps.fetch,
					new URL(`${this.#issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
				),
			);
			if (discovery.issuer !== this.#issuer)
				throw new Error(`the discovery document of ${this.#issuer} names the issuer ${discovery.issuer.slice(0, 200)}`);
			const keys = keySet.parse(await fetchDocument(this.#deps.fetch, keySetUrl(this.#issuer, discovery.jwks_uri)));
			const announced = discovery.id_token_signing_alg_values_supported ?? DEFAULT_ALGORITHMS;
			this.#loaded = {
				algorithms: announced.filter((name) => KNOWN_ALGORITHMS.has(name)),
				// One key that nobody should check signatures with does not spoil the others.
				find: createLocalJWKSet({ keys: keys.keys.filter((key) => readJwk(key) !== undefined) }),
				loadedAtMs: this.#deps.clock(),
			};
			this.#failure = undefined;
		} catch (error) {
			this.#failure = error;
		}
	}
}

/** An issuer may keep its keys on another host, but may not make us leave TLS, nor talk to a neighbour in plain text. */
function keySetUrl(issuer: string, jwksUri: string): URL {
	const url = new URL(jwksUri);
	if (url.protocol !== 'https:' && url.origin !== new URL(issuer).origin)
		throw new Error(`the keys of ${issuer} are announced at ${url.origin}, neither https nor the issuer's own origin`);
	return url;
}

async function select(loaded: Loaded, header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey[]> {
	try {
		return [await loaded.find(header, token)];
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
