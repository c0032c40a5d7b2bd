/**
 * Identity tokens (OpenID Connect Core section 3.1.3.7, RFC 7519, RFC 8725).
 *
 * Everything in a token is chosen by its sender until a key of a configured issuer has verified it. Before that only
 * `iss` and the protected header are read, to find the key; the header never brings a key of its own.
 */
import { fromBase64Url } from '@chancery/core/bytes';
import { FormatError } from '@chancery/core/format-error';
import { parseJson } from '@chancery/core/json';
import { compactVerify, errors, type FlattenedJWSInput } from 'jose';
import { z } from 'zod';
import type { Claims } from './claims.ts';
import { configuredKeys, type IssuerKeySource, transportTo } from './issuer-key-source.ts';
import { fixedKeys, IssuerKeys, IssuerUnavailableError, type KeysOfIssuer, UnknownKeyError } from './issuer-keys.ts';
import { KNOWN_ALGORITHMS, keySetOf } from './key-set.ts';
import { KeyWaiters } from './key-waiters.ts';
import { quote, refuseToken } from './token-errors.ts';

/** The largest tokens of large providers are below 8 KiB. */
const MAX_TOKEN_CHARS = 16 * 1024;
const MAX_CLAIM_DEPTH = 16;
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
}

export interface TokenVerifierDeps {
	/** Asks issuers that have no authorities of their own. */
	readonly fetch: typeof fetch;
	/** Unix milliseconds. */
	readonly clock: () => number;
}

export interface TokenVerifier<Settings extends TrustedIssuer = TrustedIssuer> {
	/**
	 * The claims of a valid token and the settings of its issuer. `address` is the client's, as its connection shows it.
	 * @throws {DomainError} A code of `TOKEN_ERRORS`.
	 */
	verify(token: string, address: string): Promise<VerifiedToken<Settings>>;
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
		async verify(token, address) {
			const { header, issuer, parts } = readUnverified(token);
			// Exact match: the only URLs ever asked for keys are those in the configuration.
			const accepted = known.get(issuer);
			if (!accepted) throw refuseToken('issuer-unknown', `tokens of ${quote(issuer)} are not accepted here`);
			const payload = await checkSignature(token, header, parts, accepted.keys, address);
			const claims = readClaims(payload);
			const expiresAt = checkTimesAndAudience(claims, accepted.settings.audience, deps.clock() / 1000);
			return { settings: accepted.settings, claims, acceptedUntilMs: (expiresAt + EXPIRY_LEEWAY_SECONDS) * 1000 };
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

interface Unverified {
	readonly header: { readonly alg: string; readonly kid?: string };
	readonly issuer: string;
	readonly parts: FlattenedJWSInput;
}

function readUnverified(token: string): Unverified {
	if (token === '') throw refuseToken('token-missing', 'the request carries none');
	if (token.length > MAX_TOKEN_CHARS)
		throw refuseToken('token-too-large', `it has ${token.length} characters, ${MAX_TOKEN_CHARS} are the most`);
	// The length is bounded, so that splitting at every dot of a token made of dots costs nothing to speak of.
	const [first, payload, signature, ...more] = token.split('.');
	if (first === undefined || payload === undefined || signature === undefined || more.length > 0)
		throw refuseToken('token-malformed', 'it is not three parts joined by dots');
	const header = asObject(parsePart(first, 'header'), 'header');
	const alg = textMember(header, 'alg', "its header's");
	if (alg === undefined) throw refuseToken('token-malformed', "its header names no 'alg'");
	const kid = textMember(header, 'kid', "its header's");
	// RFC 7515 section 4.1.11: an extension that must be understood; we understand none (`b64` would change the payload).
	if (Object.hasOwn(header, 'crit')) throw refuseToken('token-malformed', "its header has 'crit'");
	decodePart(signature, 'signature');
	const iss = textMember(asObject(parsePart(payload, 'payload'), 'payload'), 'iss', 'its');
	if (iss === undefined) throw refuseToken('token-malformed', "it has no 'iss'");
	// Nothing else of the header is used: `jwk`, `jku` and `x5c` would let the sender bring the key.
	return {
		header: kid === undefined ? { alg } : { alg, kid },
		issuer: iss,
		parts: { protected: first, payload, signature },
	};
}

/** @throws {DomainError} `token-malformed` when the member is there and no text */
function textMember(object: Claims, name: string, whose: string): string | undefined {
	if (!Object.hasOwn(object, name)) return undefined;
	const value = object[name];
	if (typeof value === 'string') return value;
	throw refuseToken('token-malformed', `${whose} '${name}' is no text but ${kindOf(value)}`);
}

async function checkSignature(
	token: string,
	header: Unverified['header'],
	parts: FlattenedJWSInput,
	issuerKeys: KeysOfIssuer,
	address: string,
): Promise<Uint8Array> {
	// Whatever the issuer announces: there is no need to ask it.
	if (!KNOWN_ALGORITHMS.has(header.alg)) throw refuseAlgorithm(header.alg, [...KNOWN_ALGORITHMS]);
	try {
		const { algorithms, keys: candidates } = await issuerKeys.candidates(header, parts, address);
		if (!algorithms.includes(header.alg)) throw refuseAlgorithm(header.alg, algorithms);
		for (const key of candidates.slice(0, MAX_KEY_TRIALS)) {
			const payload = await compactVerify(token, key, { algorithms: [header.alg] }).then(
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
			candidates.length === 0
				? `the issuer has no key ${quote(header.kid ?? '(none named)')}`
				: 'no key of the issuer made it',
		);
	} catch (error) {
		if (error instanceof IssuerUnavailableError)
			throw refuseToken('issuer-unavailable', 'the keys of its issuer cannot be fetched now; try again', {
				cause: error,
				retryAfterSeconds: error.retryAfterSeconds,
			});
		if (error instanceof UnknownKeyError)
			throw refuseToken(
				'token-key-unknown',
				`the issuer had no key ${quote(header.kid ?? '(none named)')} a moment ago, and may be asked again in ${error.retryAfterSeconds} s; try again`,
				{ retryAfterSeconds: error.retryAfterSeconds },
			);
		throw error;
	}
}

function refuseAlgorithm(alg: string, expected: readonly string[]): Error {
	return refuseToken('token-algorithm', `'alg' is ${quote(alg)}, expected one of ${quote(expected.join(' '))}`);
}

function readClaims(payload: Uint8Array): Claims {
	try {
		return asObject(parseJson(payload, { maxDepth: MAX_CLAIM_DEPTH }), 'payload');
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw refuseToken('token-malformed', 'its payload is not JSON', { cause: error });
	}
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

function parsePart(part: string, what: string): unknown {
	try {
		return parseJson(decodePart(part, what), { maxDepth: MAX_CLAIM_DEPTH });
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw refuseToken('token-malformed', `its ${what} is not JSON`, { cause: error });
	}
}

/** Strict base64url, so that a token has one spelling. */
function decodePart(part: string, what: string): Uint8Array {
	try {
		return fromBase64Url(part);
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw refuseToken('token-malformed', `its ${what} is not base64url`, { cause: error });
	}
}

function asObject(value: unknown, what: string): Claims {
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw refuseToken('token-malformed', `its ${what} is not an object but ${kindOf(value)}`);
	return value as Claims;
}

/** What a JSON value is, for whoever reads why it is not what it should be. */
function kindOf(value: unknown): string {
	if (value === null) return 'null';
	if (value === '') return 'empty text';
	if (Array.isArray(value)) return 'a list';
	return { string: 'text', number: 'a number', boolean: 'true or false' }[typeof value as string] ?? 'an object';
}
