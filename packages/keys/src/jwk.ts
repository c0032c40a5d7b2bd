/**
 * Keys of other issuers' key sets (RFC 7517), held to the same bounds as every key from outside: what reads a
 * SubjectPublicKeyInfo reads these too, so that there is one list of kinds, sizes and exponents.
 */
import { createPublicKey, type webcrypto } from 'node:crypto';
import { isStrongEnough, type PublicKey, readPublicKey } from './public-key.ts';

/**
 * The public key in a JWK; undefined for kinds that are not read here, for keys too weak to prove anything or so large
 * that checking a signature under them would be the issuer's way to keep us busy, and for what is no key.
 */
export function readJwk(jwk: object): PublicKey | undefined {
	let spki: Buffer;
	try {
		spki = createPublicKey({ key: jwk as webcrypto.JsonWebKey, format: 'jwk' }).export({ type: 'spki', format: 'der' });
	} catch {
		// Not a public key: a symmetric one, a curve off the list, members that are missing or malformed.
		return undefined;
	}
	const key = readPublicKey(new Uint8Array(spki));
	return key && isStrongEnough(key.info) ? key : undefined;
}
