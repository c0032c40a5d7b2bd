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
import { HASHES } from '@chancery/core/algorithms';
import { toBase64, toHex } from '@chancery/core/bytes';
import { preAuthEncode } from '@chancery/core/dsse';
import { digestLength, digest as digestOf, type HashAlgorithm } from '@chancery/core/sha';
import { keyDetailsOf, parseSpki } from '@chancery/core/spki';
import type { z } from 'zod';
import type { CheckSignature } from '../entries/check-signature.ts';
import { type CanonicalEntry, canonicalEntry, entryKindV2 } from '../entries/entry-kind.ts';
import { invalidEntry, signatureMismatch } from '../entries/entry-refusal.ts';
import { hashTerm, type SearchTerm, signatureTerm, verifierTerms } from '../entries/search-terms.ts';
import { requireBody } from '../entries/signed-content.ts';
import { algorithmOfKeyDetails } from '../entries/signing-algorithms.ts';
import { readVerifier, storedSignature, verifier } from '../entries/v2-verifier.ts';
import { nonEmptyBytes, strictMessage } from '../proto-json.ts';

const NAME = { kind: 'hashedrekord', version: '0.0.2' } as const;

/** A signature over a digest; the digest's algorithm follows from `keyDetails`. */
const hashedRekordRequest = strictMessage({
	digest: nonEmptyBytes,
	signature: strictMessage({ content: nonEmptyBytes, verifier }),
});
type HashedRekordRequest = z.output<typeof hashedRekordRequest>;

export const hashedrekordV002 = entryKindV2({
	...NAME,
	member: 'hashedRekordRequestV002',
	proposal: {
		schema: hashedRekordRequest,
		admit: (request, checkSignature) => admitHashedRekord(request, checkSignature),
	},
	checkBinding({ bytes }, content) {
		const { subject, signature } = content;
		const digest =
			subject.kind === 'artifact'
				? subject.digest
				: digestOf(subject.hash, preAuthEncode(subject.envelope.payloadType, subject.envelope.payload));
		const stored = storedSignature(
			signature,
			content.verifier,
			keyDetailsOf(parseSpki(content.verifier.spki), 'digest'),
		);
		requireBody(bytes, { apiVersion: NAME.version, kind: NAME.kind, spec: storedSpec(subject.hash, digest, stored) });
	},
});

/** What an envelope has beside its digest. */
interface SignedMessage {
	readonly message: Uint8Array;
	/** What else the entry is found by; asked for when the signature is right. */
	readonly moreTerms: () => readonly SearchTerm[];
}

/** Up to here hashing a message once more costs less than verifying without it. */
const SHORT_BYTES = 32 * 1024;

/** The story of both v2 requests. @throws {EntryRefusal} and what `checkSignature` throws */
export async function admitHashedRekord(
	request: HashedRekordRequest,
	checkSignature: CheckSignature,
	signed?: SignedMessage,
): Promise<CanonicalEntry> {
	const { digest, signature } = request;
	const key = readVerifier(signature.verifier);
	const { keyDetails, hash } = algorithmOfKeyDetails(signature.verifier.keyDetails, key.info);
	if (digest.length !== digestLength(hash))
		throw invalidEntry(`the digest has ${digest.length} bytes; ${keyDetails} signs ${digestLength(hash)}`);
	// The same question, but for Ed25519, where a signature over the message is another one than over its digest.
	const isShort = signed !== undefined && signed.message.length <= SHORT_BYTES && key.info.algorithm !== 'ed25519';
	const over = isShort ? { message: signed.message } : { digest };
	if (!(await checkSignature({ key, signature: signature.content, hash, over })))
		throw signatureMismatch('the signature does not verify over the digest with the key');

	const { x509Certificate, publicKey } = signature.verifier;
	const der = (x509Certificate ?? publicKey)?.rawBytes as Uint8Array;
	const kind = x509Certificate ? 'certificate' : 'publicKey';
	const stored = storedSignature(signature.content, { kind, der }, keyDetails);
	return canonicalEntry(NAME, storedSpec(hash, digest, stored), [
		...verifierTerms(key, der),
		hashTerm(HASHES[hash].name, toHex(digest)),
		signatureTerm(signature.content),
		...(signed?.moreTerms() ?? []),
	]);
}

function storedSpec(hash: HashAlgorithm, digest: Uint8Array, signature: object): object {
	return { hashedRekordV002: { data: { algorithm: hash, digest: toBase64(digest) }, signature } };
}
