/**
 * The check of a token before anybody gets it: that the issuer signed it, for this client, in answer to this request (OpenID
 * Connect Core 1.0 section 3.1.3.7). The certificate authority checks it again. What it cannot see is whether the
 * token belongs to the login that the user has just made.
 */
import { createHash } from 'node:crypto';
import { parseUniqueJson } from '@chancery/core/json';
import { createLocalJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { z } from 'zod';
import { ClientError } from '../client-error.ts';
import { boundedFetch, type IssuerDeps, printable } from './issuer.ts';

export interface TokenExpectations {
	readonly issuer: string;
	/** Where the issuer publishes its keys. */
	readonly jwksUri: string;
	/** One of the audiences that the token names. */
	readonly audience: string;
	/** Of the request; undefined: the flow has none. */
	readonly nonce: string | undefined;
	/** What came beside an ID token; its hash is compared when the token has one (section 3.1.3.6). */
	readonly accessToken: string | undefined;
}

/** Never HMAC or `none`: anybody could make such a signature. */
const ALGORITHMS: Readonly<Record<string, 'sha256' | 'sha384' | 'sha512'>> = {
	RS256: 'sha256',
	RS384: 'sha384',
	RS512: 'sha512',
	PS256: 'sha256',
	PS384: 'sha384',
	PS512: 'sha512',
	ES256: 'sha256',
	ES384: 'sha384',
	ES512: 'sha512',
	EdDSA: 'sha512',
	Ed25519: 'sha512',
};
const MAX_TOKEN_CHARS = 64 * 1024;
const CLOCK_TOLERANCE_SECONDS = 60;

/** @throws {ClientError} `token-unverified` with what was expected and found, `issuer-unavailable` without its keys */
export async function verifyToken(raw: string, expected: TokenExpectations, deps: IssuerDeps): Promise<JWTPayload> {
	if (raw.length > MAX_TOKEN_CHARS) throw unverified('it is longer than any token');
	const keys = await fetchKeys(expected.jwksUri, deps);
	try {
		const { payload, protectedHeader } = await jwtVerify(raw, keys, {
			issuer: expected.issuer,
			audience: expected.audience,
			algorithms: Object.keys(ALGORITHMS),
			clockTolerance: CLOCK_TOLERANCE_SECONDS,
			currentDate: new Date(deps.clock()),
			requiredClaims: ['sub', 'exp', 'iat'],
		});
		if (expected.nonce !== undefined && payload.nonce !== expected.nonce)
			throw unverified('its nonce is not the one of this login');
		const { at_hash: atHash } = payload;
		if (atHash !== undefined && expected.accessToken !== undefined)
			if (atHash !== halfHash(protectedHeader.alg, expected.accessToken))
				throw unverified('it belongs to another access token');
		return payload;
	} catch (cause) {
		if (cause instanceof ClientError) throw cause;
		if (cause instanceof errors.JOSEError) throw unverified(printable(cause.message), cause);
		// What the engine says of a key that is none.
		throw unverified('the key that it names cannot be used', cause);
	}
}

/** The `iss` that a token states, to choose the keys by. @throws {ClientError} `token-unverified` */
export function unverifiedIssuer(raw: string): string {
	if (raw.length > MAX_TOKEN_CHARS) throw unverified('it is longer than any token');
	try {
		const { iss } = decodeJwt(raw);
		if (iss !== undefined) return iss;
	} catch (cause) {
		throw unverified('it is not a JWT', cause);
	}
	throw unverified('it has no issuer');
}

const MAX_KEYS = 100;
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MAX_KEYS) });

async function fetchKeys(url: string, deps: IssuerDeps): Promise<ReturnType<typeof createLocalJWKSet>> {
	try {
		const response = await boundedFetch(deps)(url);
		if (!response.ok) throw new Error(`it answered ${response.status}`);
		return createLocalJWKSet(keySet.parse(parseUniqueJson(await response.text())));
	} catch (cause) {
		const reason =
			cause instanceof z.ZodError ? 'they are no key set' : cause instanceof Error ? printable(cause.message) : '';
		throw new ClientError(
			'issuer-unavailable',
			`the keys of the issuer at ${printable(url)} cannot be read: ${reason}`,
			{
				cause,
			},
		);
	}
}

/** The left half of the hash that the algorithm of the signature uses. */
function halfHash(algorithm: string, text: string): string {
	const digest = createHash(ALGORITHMS[algorithm] ?? 'sha256')
		.update(text, 'ascii')
		.digest();
	return digest.subarray(0, digest.length / 2).toString('base64url');
}

function unverified(reason: string, cause?: unknown): ClientError {
	return new ClientError('token-unverified', `the token that the issuer sent is not good: ${reason}`, { cause });
}
