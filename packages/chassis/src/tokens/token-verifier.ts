/**
 * Identity tokens (OpenID Connect Core section 3.1.3.7, RFC 7519, RFC 8725).
 *
 * Everything in a token is chosen by its sender until a key of a configured issuer has verified it. Before that only
 * `iss` and the protected header are read, to find the key; the header never brings a key of its own.
 */
import { compactVerify, errors } from 'jose';
import { z } from 'zod';
import type { Claims } from './claims.ts';
import { type CompactJws, kindOf, readCompactJws, readObject, textMember } from './compact-jws.ts';
import { boundKey, checkProof, type ProvenRequest, type UsedProof } from './dpop-proof.ts';
import { configuredKeys, type IssuerKeySource, transportTo } from './issuer-key-source.ts';
import { fixedKeys, IssuerKeys, type KeysOfIssuer } from './issuer-keys.ts';
import { KNOWN_ALGORITHMS, keySetOf } from './key-set.ts';
import { KeyWaiters } from './key-waiters.ts';
import { quote, refuseToken } from './token-errors.ts';

/** The largest tokens of large providers are below 8 KiB. */
const MAX_TOKEN_CHARS = 16 * 1024;
/** A token without `kid` is tried with this many keys of its issuer; each trial is a signature check. */
const MAX_KEY_TRIALS = 8;

/** How far an expired token is still accepted: clocks differ, and the request was on its way. */
const EXPIRY_LEEWAY_SECONDS = 5;
/** How far `nbf` and `iat` may lie ahead of our clock. */
const FUTURE_LEEWAY_SECONDS = 60;

const timeClaims = z.object({
	aud: z.union([z.string(), z.array(z.string()).max(100)]),
	exp: z.number(),
	nbf: z.number().optional(),
	iat: z.number().optional(),
	sub: z.string().min(1),
});

/** What `timeClaims` wants, in words. */
const EXPECTED: Readonly<Record<string, string>> = {
	aud: 'text or a list of texts',
	exp: 'a number',
	nbf: 'a number',
	iat: 'a number',
	sub: 'text',
};

/** An issuer whose tokens are taken. */
export interface TrustedIssuer extends IssuerKeySource {
	/** URL, byte for byte as in the `iss` claim. */
	readonly issuer: string;
	/** Value that `aud` must contain. */
	readonly audience: string;
}

export interface VerifiedToken<Settings extends TrustedIssuer = TrustedIssuer> {
	/** Of the issuer of the token, as the verifier was given them. */
	readonly settings: Settings;
	readonly claims: Claims;
	/** Unix milliseconds; until then it is accepted here, leeway included. */
	readonly acceptedUntilMs: number;
	/** That the token is its bearer's, when it is bound to a key. Whoever acts on the token refuses one that was used before. */
	readonly proof: UsedProof | undefined;
}

export interface TokenVerifierDeps {
	/** Asks issuers that have no authorities of their own. */
	readonly fetch: typeof fetch;
	/** Unix milliseconds. */
	readonly clock: () => number;
}

export interface TokenVerifier<Settings extends TrustedIssuer = TrustedIssuer> {
	/**
	 * The claims of a valid token and the settings of its issuer. `address` is the client's, as its connection shows it. A
	 * token that is bound to a key (`cnf`) is refused without a `request` that proves the key, so that nothing takes one
	 * for a bearer token.
	 * @throws {DomainError} A code of `TOKEN_ERRORS`.
	 */
	verify(token: string, address: string, request?: ProvenRequest): Promise<VerifiedToken<Settings>>;
	/** Begins to renew the keys that are in use; to be called about every half minute. Waits for nothing. */
	renewKeys(): void;
	/** What is known of each issuer's keys, by issuer URL. */
	states(): Readonly<Record<string, { ok: boolean; detail: string }>>;
}

/** Takes the tokens of these issuers, each listed once. Nobody is asked for keys before the first token comes. */
export function createTokenVerifier<Settings extends TrustedIssuer>(
	issuers: readonly Settings[],
	deps: TokenVerifierDeps,
): TokenVerifier<Settings> {
	const waiters = new KeyWaiters();
	const known = new Map(
		issuers.map((settings) => [settings.issuer, { settings, keys: keysOf(settings, deps, waiters) }]),
	);
	return {
		async verify(token, address, request) {
			const unverified = readUnverified(token);
			const { issuer } = unverified;
			// Exact match: the only URLs ever asked for keys are those in the configuration.
			const accepted = known.get(issuer);
			if (!accepted) throw refuseToken('issuer-unknown', `tokens of ${quote(issuer)} are not accepted here`);
			const { settings, keys } = accepted;
			const payload = await checkSignature(token, unverified, keys, address);
			const claims = readObject(payload, 'payload', malformed);
			const nowSeconds = deps.clock() / 1000;
			const expiresAt = checkTimesAndAudience(claims, settings.audience, nowSeconds);
			const key = boundKey(claims);
			const proof = key === undefined ? undefined : await checkProof(request, token, key, nowSeconds);
			return { settings, claims, acceptedUntilMs: (expiresAt + EXPIRY_LEEWAY_SECONDS) * 1000, proof };
		},
		renewKeys() {
			for (const { keys } of known.values()) keys.renew();
		},
		states: () => Object.fromEntries([...known].map(([issuer, { keys }]) => [issuer, keys.state()])),
	};
}

function keysOf(settings: TrustedIssuer, { fetch, clock }: TokenVerifierDeps, waiters: KeyWaiters): KeysOfIssuer {
	const keys = configuredKeys(settings);
	if (keys) return fixedKeys(keySetOf(keys));
	return new IssuerKeys(settings.issuer, { transport: transportTo(settings, fetch), clock }, waiters);
}

function readUnverified(token: string): CompactJws & { readonly issuer: string } {
	if (token === '') throw refuseToken('token-missing', 'the request carries none');
	if (token.length > MAX_TOKEN_CHARS)
		throw refuseToken('token-too-large', `it has ${token.length} characters, ${MAX_TOKEN_CHARS} are the most`);
	// Nothing of the header is used but `alg` and `kid`: `jwk`, `jku` and `x5c` would let the sender bring the key.
	const jws = readCompactJws(token, malformed);
	const issuer = textMember(jws.payload, 'iss', 'its', malformed);
	if (issuer === undefined) throw malformed("it has no 'iss'");
	return { ...jws, issuer };
}

function malformed(what: string, cause?: unknown): Error {
	return refuseToken('token-malformed', what, cause === undefined ? undefined : { cause });
}

async function checkSignature(
	token: string,
	{ header: { alg, kid }, parts }: CompactJws,
	issuerKeys: KeysOfIssuer,
	address: string,
): Promise<Uint8Array> {
	// Whatever the issuer announces: there is no need to ask it.
	if (!KNOWN_ALGORITHMS.has(alg)) throw refuseAlgorithm(alg, [...KNOWN_ALGORITHMS]);
	const header = kid === undefined ? { alg } : { alg, kid };
	const { algorithms, keys: candidates } = await issuerKeys.candidates(header, parts, address);
	if (!algorithms.includes(alg)) throw refuseAlgorithm(alg, algorithms);
	for (const key of candidates.slice(0, MAX_KEY_TRIALS)) {
		const payload = await compactVerify(token, key, { algorithms: [alg] }).then(
			(verified) => verified.payload,
			(error: unknown) => {
				// Not this key. Whatever is neither jose's nor a key's own refusal is a fault of ours.
				if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
				throw error;
			},
		);
		if (payload) return payload;
	}
	throw refuseToken(
		'token-signature',
		candidates.length === 0 ? `the issuer has no key ${quote(kid ?? '(none named)')}` : 'no key of the issuer made it',
	);
}

function refuseAlgorithm(alg: string, expected: readonly string[]): Error {
	return refuseToken('token-algorithm', `'alg' is ${quote(alg)}, expected one of ${quote(expected.join(' '))}`);
}

/** Returns `exp`. */
function checkTimesAndAudience(claims: Claims, audience: string, nowSeconds: number): number {
	const times = timeClaims.safeParse(claims);
	if (!times.success) {
		const name = String(times.error.issues[0]?.path[0] ?? 'payload');
		throw Object.hasOwn(claims, name)
			? refuseToken(
					'claim-malformed',
					`the claim ${quote(name)} is ${kindOf(claims[name])}, expected ${EXPECTED[name] ?? 'another type'}`,
				)
			: refuseToken('claim-missing', `the token has no claim ${quote(name)}`);
	}
	const { aud, exp, nbf, iat } = times.data;
	if (![aud].flat().includes(audience))
		throw refuseToken('token-audience', `'aud' is ${quote(aud)}, expected ${quote(audience)}`);
	if (exp + EXPIRY_LEEWAY_SECONDS <= nowSeconds)
		throw refuseToken('token-expired', `it expired ${Math.ceil(nowSeconds - exp)} s ago`);
	for (const [name, value] of [
		['nbf', nbf],
		['iat', iat],
	] as const) {
		if (value !== undefined && value - FUTURE_LEEWAY_SECONDS > nowSeconds)
			throw refuseToken('token-not-yet-valid', `'${name}' lies ${Math.ceil(value - nowSeconds)} s in the future`);
	}
	return exp;
}
