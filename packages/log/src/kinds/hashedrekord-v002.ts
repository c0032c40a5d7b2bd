/**
 * hashedrekord 0.0.2, the one kind of a v2 log.
 *
 *     {"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256",
 *      "digest":"<base64>"},"signature":{"content":"<base64>","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256",
 *      "x509Certificate":{"rawBytes":"<base64>"}}}}}}
 *
 * Some verifiers ignore the stored body and build this text from the bundle, with the usual hash of the key: any other
 * choice, or one member more, would not verify there.
 */

import { DomainError } from '@chancery/chassis/domain-error';
import { toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { digestLength } from '@chancery/core/sha';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import type { HashedRekordRequest, Verifier } from '@chancery/wire/rekor-v2';
import { distinctTerms, hashTerm, type SearchTerm, signatureTerm, verifierTerms } from '../domain/search-terms.ts';
import { algorithmOfKeyDetails } from '../domain/signing-algorithms.ts';
import { parseCertificateVerifier, parseSpkiVerifier, type VerifierKey } from '../domain/verifier-key.ts';
import type { CanonicalEntry, EntryKind } from './entry-kind.ts';
import { signatureMismatch } from './proposal.ts';

const KIND = 'hashedrekord';
const VERSION = '0.0.2';

/** Names of hashes in search terms, as users write them. */
const HASH_NAMES = { SHA2_256: 'sha256', SHA2_384: 'sha384', SHA2_512: 'sha512' } as const;

export const hashedrekordV002: EntryKind<HashedRekordRequest> = {
	kind: KIND,
	version: VERSION,
	admit: (request, checkSignature) => admitHashedRekord(request, checkSignature),
};

/** What an envelope has beside its digest. */
interface SignedMessage {
	readonly message: Uint8Array;
	/** What else the entry is found by; asked for when the signature is right. */
	readonly moreTerms: () => readonly SearchTerm[];
}

/** Up to here hashing a message once more costs less than verifying without it. */
const SHORT_BYTES = 32 * 1024;

/** The story of both v2 requests. */
export async function admitHashedRekord(
	request: HashedRekordRequest,
	checkSignature: CheckSignature,
	signed?: SignedMessage,
): Promise<CanonicalEntry> {
	const { digest, signature } = request;
	const key = readVerifier(signature.verifier);
	const { name: keyDetails, hash } = algorithmOfKeyDetails(signature.verifier.keyDetails, key.info);
	if (digest.length !== digestLength(hash)) {
		throw new DomainError(
			'invalid-entry',
			`the digest has ${digest.length} bytes; ${keyDetails} signs ${digestLength(hash)}`,
		);
	}
	// The same question, but for Ed25519, where a signature over the message is another one than over its digest.
	const isShort = signed !== undefined && signed.message.length <= SHORT_BYTES && key.info.algorithm !== 'ed25519';
	const over = isShort ? { message: signed.message } : { digest };
	if (!(await checkSignature({ key, signature: signature.content, hash, over })))
		throw signatureMismatch('the signature does not verify over the digest with the key');

	const { x509Certificate, publicKey } = signature.verifier;
	const rawBytes = (x509Certificate ?? publicKey)?.rawBytes as Uint8Array;
	const canonical = {
		apiVersion: VERSION,
		kind: KIND,
		spec: {
			hashedRekordV002: {
				data: { algorithm: hash, digest: toBase64(digest) },
				signature: {
					content: toBase64(signature.content),
					verifier: {
						keyDetails,
						[x509Certificate ? 'x509Certificate' : 'publicKey']: { rawBytes: toBase64(rawBytes) },
					},
				},
			},
		},
	};
	return {
		kind: KIND,
		version: VERSION,
		leaf: utf8(canonicalJson(canonical)),
		searchTerms: distinctTerms([
			...verifierTerms(key, rawBytes),
			hashTerm(HASH_NAMES[hash], toHex(digest)),
			signatureTerm(signature.content),
			...(signed?.moreTerms() ?? []),
		]),
	};
}

/** The key behind a verifier; the schema lets exactly one of the two through. @throws DomainError `invalid-entry` */
export function readVerifier({ x509Certificate, publicKey }: Verifier): VerifierKey {
	return x509Certificate
		? parseCertificateVerifier(x509Certificate.rawBytes)
		: parseSpkiVerifier((publicKey as NonNullable<typeof publicKey>).rawBytes);
}
