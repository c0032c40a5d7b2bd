/**
 * Proof of possession of the key that a token is bound to (DPoP, RFC 9449 section 4.3): a JWT in the header `DPoP` of the
 * request, made for this request and this token. A token that is bound is worth nothing to whoever has only read it.
 *
 * The proof is whatever the client wrote; the thumbprint in the verified token says which key has to have signed it.
 */
import { toBase64Url, utf8 } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import { readJwk } from '@chancery/keys/jwk';
import { calculateJwkThumbprint, compactVerify, errors, type JWK } from 'jose';
import type { DomainErrorOptions } from '../domain-error.ts';
import type { Claims } from './claims.ts';
import { type CompactJws, readCompactJws, textMember } from './compact-jws.ts';
import { KNOWN_ALGORITHMS, keySetOf } from './key-set.ts';
import { privateMemberOf } from './private-members.ts';
import { quote, refuseToken } from './token-errors.ts';

/** With a key of RSA-4096 about 2 KiB. */
const MAX_PROOF_CHARS = 4096;
const MAX_ID_CHARS = 256;
/** How far `iat` may be from our clock, either way: clocks differ, and nobody else sees the proof while it is good. */
const WINDOW_SECONDS = 60;
/** What remembers a proof does so for this much longer than it is accepted: clocks of replicas differ too. */
const MEMORY_SECONDS = 60;

/** SHA-256 in base64url. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;
/** Of keys that a thumbprint is made of (RFC 7638 section 3.2, RFC 8037 section 2): nothing else of a key is read. */
const KEY_MEMBERS = ['kty', 'crv', 'x', 'y', 'n', 'e'] as const;

/** The request that a token came with, as far as a proof speaks of it. */
export interface ProvenRequest {
	/** Value of the header `DPoP`; undefined when there is none. */
	readonly proof: string | undefined;
	readonly method: string;
	/** Where clients send it, as they write it: the public URL, without query. */
	readonly url: string;
}

/** A proof that was good, and must not be taken again. */
export interface UsedProof {
	/** 32 bytes that no other proof has. */
	readonly id: Uint8Array;
	/** Unix milliseconds; whoever remembers it may forget it then. */
	readonly forgetAtMs: number;
}

/**
 * The thumbprint (RFC 7638, SHA-256 in base64url) of the key that a verified token is bound to; undefined for a bearer
 * token, which has no `cnf` (RFC 7800).
 * @throws {DomainError} `claim-malformed`, also when it is bound in another way than we check: it is no bearer token then
 */
export function boundKey(claims: Claims): string | undefined {
	const cnf = Object.hasOwn(claims, 'cnf') ? claims.cnf : undefined;
	if (cnf === undefined) return undefined;
	if (typeof cnf !== 'object' || cnf === null || Object.keys(cnf).join() !== 'jkt')
		throw refuseToken(
			'claim-malformed',
			"the claim 'cnf' binds the token to something else than the key of a DPoP proof",
		);
	const { jkt } = cnf as { readonly jkt: unknown };
	if (typeof jkt !== 'string' || !THUMBPRINT.test(jkt))
		throw refuseToken('claim-malformed', "'jkt' in the claim 'cnf' is no SHA-256 thumbprint in base64url");
	return jkt;
}

/**
 * Checks the proof for a token that is bound to the key with this thumbprint. Whoever takes the token has to refuse a proof
 * whose id was used before.
 * @throws {DomainError} `token-proof-missing` or `token-proof-invalid`
 */
export async function checkProof(
	request: ProvenRequest | undefined,
	token: string,
	thumbprint: string,
	nowSeconds: number,
): Promise<UsedProof> {
	if (!request?.proof)
		throw refuseToken('token-proof-missing', 'the token is bound to a key, and the request has no DPoP header', {
			headers: challenge('invalid_token'),
		});
	const { proof, method, url } = request;
	if (proof.length > MAX_PROOF_CHARS)
		throw invalid(`it has ${proof.length} characters, ${MAX_PROOF_CHARS} are the most`);
	const jws = readCompactJws(proof, invalid);
	await checkSignature(proof, jws, thumbprint);

	const { payload } = jws;
	const claim = (name: string) => textMember(payload, name, 'its', invalid);
	const jti = claim('jti');
	if (!jti || jti.length > MAX_ID_CHARS) throw invalid(`its 'jti' is not a text of 1 to ${MAX_ID_CHARS} characters`);
	const htm = claim('htm');
	if (htm !== method) throw invalid(`its 'htm' is ${quote(htm ?? '')}, expected ${quote(method)}`);
	const htu = claim('htu');
	if (!isSameTarget(htu, url)) throw invalid(`its 'htu' is ${quote(htu ?? '')}, expected ${quote(url)}`);
	if (claim('ath') !== toBase64Url(sha256(utf8(token))))
		throw invalid("its 'ath' is not the SHA-256 of the token in base64url: it was made for another token");
	const { iat } = payload;
	if (typeof iat !== 'number') throw invalid("its 'iat' is no number");
	const ageSeconds = nowSeconds - iat;
	if (Math.abs(ageSeconds) > WINDOW_SECONDS)
		throw invalid(
			ageSeconds > 0 ? `it was made ${Math.ceil(ageSeconds)} s ago` : `it is of ${Math.ceil(-ageSeconds)} s from now`,
		);
	return {
		// Of this key: nobody uses up the ids of others.
		id: sha256(utf8(`${thumbprint}.${jti.toWellFormed()}`)),
		forgetAtMs: (iat + WINDOW_SECONDS + MEMORY_SECONDS) * 1000,
	};
}

async function checkSignature(proof: string, { header, parts }: CompactJws, thumbprint: string): Promise<void> {
	const { alg, others } = header;
	if (others.typ !== 'dpop+jwt') throw invalid(`its 'typ' is ${quote(others.typ ?? '')}, expected 'dpop+jwt'`);
	if (!KNOWN_ALGORITHMS.has(alg))
		throw invalid(`its 'alg' is ${quote(alg)}, expected one of ${quote([...KNOWN_ALGORITHMS].join(' '))}`);
	const { jwk } = others;
	if (typeof jwk !== 'object' || jwk === null) throw invalid("its header's 'jwk' is no key");
	if (privateMemberOf(jwk) !== undefined)
		throw invalid("its header's 'jwk' is a private key, which everybody on the way has read now");
	const key = publicPart(jwk as Claims);
	// Bounds what the signature may cost, and what the thumbprint is made of.
	if (!key || !readJwk(key)) throw invalid("its header's 'jwk' is no key that is read here");
	if ((await calculateJwkThumbprint(key, 'sha256')) !== thumbprint)
		throw invalid('its key is not the one that the token is bound to');
	const [imported] = await keySetOf([key]).find({ alg }, parts);
	if (!imported) throw invalid(`its key is none for ${quote(alg)}`);
	try {
		await compactVerify(proof, imported, { algorithms: [alg] });
	} catch (error) {
		if (error instanceof errors.JOSEError || error instanceof TypeError)
			throw invalid('its signature is not by its key', error);
		throw error;
	}
}

function publicPart(jwk: Claims): JWK | undefined {
	const members = KEY_MEMBERS.filter((name) => Object.hasOwn(jwk, name)).map((name) => [name, jwk[name]] as const);
	return members.every(([, value]) => typeof value === 'string') ? (Object.fromEntries(members) as JWK) : undefined;
}

/** Whether both lead to the same place; query and fragment are not compared (RFC 9449 section 4.3, step 9). */
function isSameTarget(htu: string | undefined, url: string): boolean {
	const given = htu === undefined ? null : URL.parse(htu);
	const expected = new URL(url);
	return (
		given !== null &&
		given.origin === expected.origin &&
		given.pathname === expected.pathname &&
		given.username === '' &&
		given.password === ''
	);
}

function invalid(what: string, cause?: unknown): Error {
	const options: DomainErrorOptions = { headers: challenge('invalid_dpop_proof') };
	return refuseToken('token-proof-invalid', what, cause === undefined ? options : { ...options, cause });
}

/** What a client learns of which proof is expected (RFC 9449 section 7.1). */
function challenge(error: string): Record<string, string> {
	return { 'www-authenticate': `DPoP error="${error}", algs="${[...KNOWN_ALGORITHMS].join(' ')}"` };
}
