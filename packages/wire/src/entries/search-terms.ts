/**
 * What entries are found by. A term is a kind and a normalised value of any length and any characters: the log stores
 * the hash of both.
 *
 * `hash`     `<algorithm>:<hex>` of an artifact, payload or envelope, as the v1 index search writes them
 * `key`      hex SHA-256 of the canonical PEM (v1) or of the DER (v2) that verifies the entry
 * `subject`  an identity of the certificate: e-mail, URI, DNS name, IP address or other name, in lower case
 * `issuer`   the OIDC issuer that the certificate names
 * `signature` hex SHA-256 of the signature bytes
 */

import { toHex } from '@chancery/core/bytes';
import { sha256 } from '@chancery/core/sha';
import { invalidEntry } from './entry-refusal.ts';
import type { VerifierKey } from './verifier-key.ts';

export type SearchTermKind = 'hash' | 'key' | 'subject' | 'issuer' | 'signature';

export interface SearchTerm {
	readonly kind: SearchTermKind;
	readonly value: string;
}

/** One attestation may be about many artifacts. Beyond this it is refused: found by some of its artifacts only would be a lie. */
export const MAX_SEARCH_TERMS = 2_048;

/** The term of an identity. Upper and lower case are one: that is how clients search. */
export function subjectTerm(identity: string): SearchTerm {
	return { kind: 'subject', value: identity.toLowerCase() };
}

/** The term of a digest; `algorithm` is `sha256` and the like. */
export function hashTerm(algorithm: string, hex: string): SearchTerm {
	return { kind: 'hash', value: `${algorithm}:${hex}`.toLowerCase() };
}

/** The terms of a verifier: the bytes that name it on the wire, and what its certificate says about its holder. */
export function verifierTerms(verifier: VerifierKey, namedBy: Uint8Array): SearchTerm[] {
	const terms: SearchTerm[] = [{ kind: 'key', value: toHex(sha256(namedBy)) }];
	for (const identity of verifier.identities) terms.push(subjectTerm(identity));
	if (verifier.oidcIssuer !== undefined) terms.push({ kind: 'issuer', value: verifier.oidcIssuer });
	return terms;
}

export function signatureTerm(signature: Uint8Array): SearchTerm {
	return { kind: 'signature', value: toHex(sha256(signature)) };
}

/** The terms without repeats. @throws {EntryRefusal} `invalid-entry` when there are more than `MAX_SEARCH_TERMS` */
export function distinctTerms(terms: readonly SearchTerm[]): SearchTerm[] {
	const distinct = [...new Map(terms.map((term) => [`${term.kind} ${term.value}`, term])).values()];
	if (distinct.length > MAX_SEARCH_TERMS) {
		throw invalidEntry(
			`it would be found by ${distinct.length} digests and identities; ${MAX_SEARCH_TERMS} is the limit`,
		);
	}
	return distinct;
}
