/**
 * The DSSE request of the v2 wire. It is logged as hashedrekord 0.0.2 whose digest is the hash of the pre-authentication
 * encoding: verifiers of v2 logs know only that kind, and for them an envelope is its encoding, hashed.
 *
 * So what it can carry is what a hashedrekord can: one signature and the key that verifies it. Other logs have kept
 * entries of this kind from before:
 *
 *     {"apiVersion":"0.0.2","kind":"dsse","spec":{"dsseV002":{"payloadHash":{"algorithm":"SHA2_256","digest":"<base64>"},
 *      "signatures":[{"content":"<base64>","verifier":{...}}]}}}
 */
import { toBase64, toHex } from '@chancery/core/bytes';
import { digest as digestOf, sha256 } from '@chancery/core/sha';
import { keyDetailsOf, parseSpki } from '@chancery/core/spki';
import { z } from 'zod';
import { entryKindV2 } from '../entries/entry-kind.ts';
import { invalidEntry } from '../entries/entry-refusal.ts';
import { inTotoDigests } from '../entries/in-toto-digests.ts';
import { envelopeEncoding } from '../entries/proposal.ts';
import { hashTerm } from '../entries/search-terms.ts';
import { envelopeOf, requireBody } from '../entries/signed-content.ts';
import { algorithmOfKeyDetails } from '../entries/signing-algorithms.ts';
import { readVerifier, storedSignature, verifier } from '../entries/v2-verifier.ts';
import { base64Bytes, nonEmptyBytes, strictMessage } from '../proto-json.ts';
import { admitHashedRekord } from './hashedrekord-v002.ts';

/** A DSSE envelope. `payload` may be empty; `keyid` is not read. */
const dsseRequest = strictMessage({
	envelope: strictMessage(
		{
			payload: base64Bytes.default(new Uint8Array()),
			payloadType: z.string().max(1024).default(''),
			signatures: z
				.array(strictMessage({ sig: nonEmptyBytes, keyid: z.string().optional() }))
				.min(1)
				.max(10),
		},
		['payloadType'],
	),
	verifiers: z.array(verifier).min(1).max(10),
});

export const dsseV002 = entryKindV2({
	kind: 'dsse',
	version: '0.0.2',
	member: 'dsseRequestV002',
	proposal: {
		schema: dsseRequest,
		async admit({ envelope, verifiers }, checkSignature) {
			const [signature, ...otherSignatures] = envelope.signatures;
			const [verifier, ...otherVerifiers] = verifiers;
			if (signature === undefined || verifier === undefined || otherSignatures.length > 0 || otherVerifiers.length > 0)
				throw invalidEntry(
					`expected one signature and one verifier and found ${envelope.signatures.length} and ` +
						`${verifiers.length}; an envelope is logged as hashedrekord 0.0.2, which holds one of each`,
				);
			const { hash } = algorithmOfKeyDetails(verifier.keyDetails, readVerifier(verifier).info);
			const { payloadType, payload } = envelope;
			const message = envelopeEncoding(payloadType, payload);
			const digest = digestOf(hash, message);
			return admitHashedRekord({ digest, signature: { content: signature.sig, verifier } }, checkSignature, {
				message,
				moreTerms: () => [hashTerm('sha256', toHex(sha256(payload))), ...inTotoDigests(payloadType, payload)],
			});
		},
	},
	checkBinding({ bytes }, content) {
		const payloadHash = { algorithm: 'SHA2_256', digest: toBase64(sha256(envelopeOf(content).payload)) };
		const keyDetails = keyDetailsOf(parseSpki(content.verifier.spki));
		const signatures = [storedSignature(content.signature, content.verifier, keyDetails)];
		requireBody(bytes, { apiVersion: '0.0.2', kind: 'dsse', spec: { dsseV002: { payloadHash, signatures } } });
	},
});
