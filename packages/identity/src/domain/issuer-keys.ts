/** The keys of one issuer: what it publishes, and signing with the first of them. */

import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { ChanceryError } from '@chancery/core/chancery-error';
import { halvesAgree } from '@chancery/keys/file/key-halves';
import type { Signer } from '@chancery/keys/signer';
import type { PublicJwk } from '@chancery/wire/identity';
import { calculateJwkThumbprint, type JWK, SignJWT } from 'jose';
import type { ScheduledJwk } from './key-schedule.ts';

export interface IssuerKeys {
	/** Private keys with `kid`, `alg` and `use` filled in, in the given order. */
	readonly privateJwks: readonly JWK[];
	/** The public halves, for the key set. */
	readonly publicJwks: readonly PublicJwk[];
	/** Returns a compact JWS (RS256, RFC 7515) over the claims exactly as given. */
	signClaims(claims: Readonly<Record<string, unknown>>): Promise<string>;
	/** Signs statements about the issuer, with a published P-256 key; undefined when it has none. */
	readonly reportSigner: Signer | undefined;
}

const KEY_ID = /^[\x21-\x7e]{1,200}$/;

/** A key set that cannot be used for an issuer. The message names the key, never its content. */
export class SigningKeyError extends ChanceryError<'signing-key-unsuitable'> {
	constructor(message: string, options?: ErrorOptions) {
		super('signing-key-unsuitable', message, options);
	}
}

/**
 * Reads the private keys of an issuer.
 * @throws {SigningKeyError} when there is no RS256 key, a key cannot be read or is public only, or two share a `kid`.
 */
export async function openIssuerKeys(issuer: string, jwks: readonly ScheduledJwk[]): Promise<IssuerKeys> {
	const opened = await Promise.all(jwks.map((jwk, index) => openKey(`key ${index + 1} of ${issuer}`, jwk)));
	const kids = new Set(opened.map((key) => key.jwk.kid));
	if (kids.size !== opened.length) throw new SigningKeyError(`two keys of ${issuer} have the same 'kid'`);
	const tokens = opened.find((key) => key.jwk.alg === 'RS256');
	if (!tokens) throw new SigningKeyError(`${issuer} needs an RSA key to sign tokens with RS256`);
	const reports = opened.find((key) => key.jwk.alg === 'ES256');
	return {
		privateJwks: opened.map((key) => key.jwk),
		publicJwks: opened.map((key) => key.published),
		signClaims: (claims) =>
			new SignJWT({ ...claims })
				.setProtectedHeader({ alg: 'RS256', kid: tokens.jwk.kid, typ: 'JWT' })
				.sign(tokens.privateKey),
		reportSigner: reports && p256Signer(reports.privateKey),
	};
}

interface OpenedKey {
	readonly jwk: JWK & { kid: string; alg: string };
	readonly published: PublicJwk;
	readonly privateKey: KeyObject;
}

async function openKey(name: string, jwk: ScheduledJwk): Promise<OpenedKey> {
	const alg = jwk.kty === 'RSA' ? 'RS256' : jwk.kty === 'EC' && jwk.crv === 'P-256' ? 'ES256' : undefined;
	if (!alg || (jwk.alg ?? alg) !== alg || (jwk.use ?? 'sig') !== 'sig')
		throw new SigningKeyError(`${name} is neither an RSA key for RS256 nor a P-256 key for ES256`);
	// It is in the header of every token and in the key set, and both must be the same text.
	if (jwk.kid !== undefined && !(typeof jwk.kid === 'string' && KEY_ID.test(jwk.kid)))
		throw new SigningKeyError(`${name} has a 'kid' that is not 1 to 200 printable ASCII characters`);
	for (const [member, value] of [
		['nbf', jwk.nbf],
		['exp', jwk.exp],
	])
		if (value !== undefined && !Number.isSafeInteger(value))
			throw new SigningKeyError(`${name} has a '${String(member)}' that is no time in Unix seconds`);
	if (typeof jwk.d !== 'string') throw new SigningKeyError(`${name} is a public key; a private one is needed`);
	let privateKey: KeyObject;
	try {
		privateKey = createPrivateKey({ key: { ...jwk }, format: 'jwk' });
	} catch (cause) {
		throw new SigningKeyError(`${name} is not a readable private key`, { cause });
	}
	const bits = privateKey.asymmetricKeyDetails?.modulusLength;
	if (bits !== undefined && bits < 2048)
		throw new SigningKeyError(`${name} has ${bits} bits; at least 2048 are needed`);
	if (!halvesAgree(privateKey)) throw new SigningKeyError(`${name} is damaged: it does not sign for its public half`);
	const open = createPublicKey(privateKey).export({ format: 'jwk' }) as JWK;
	const kid = jwk.kid ?? (await calculateJwkThumbprint(open));
	const completed = { ...jwk, kid, alg, use: 'sig' };
	return { jwk: completed, published: publicHalf(open, { kid, alg }), privateKey };
}

function publicHalf(open: JWK, name: { kid: string; alg: string }): PublicJwk {
	const { kty = '', n, e, crv, x, y } = open;
	return {
		kty,
		use: 'sig',
		...name,
		...(kty === 'RSA' ? { n: n ?? '', e: e ?? '' } : { crv: crv ?? '', x: x ?? '', y: y ?? '' }),
	};
}

function p256Signer(key: KeyObject): Signer {
	return {
		algorithm: 'ecdsa-sha2-256-nistp256',
		publicKey: new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' })),
		sign: async (message) => new Uint8Array(sign('sha256', message, key)),
	};
}
