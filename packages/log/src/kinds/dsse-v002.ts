/**
 * The DSSE request of the v2 wire. It is logged as hashedrekord 0.0.2 whose digest is the hash of the pre-authentication
 * encoding: verifiers of v2 logs know only that kind, and for them an envelope is its encoding, hashed.
 *
 * So what it can carry is what a hashedrekord can: one signature and the key that verifies it.
 */
import { hash as hashOf } from 'node:crypto';
import { DomainError } from '@chancery/chassis/domain-error';
import { OPENSSL_DIGESTS } from '@chancery/keys/digest/openssl-digests';
import type { DsseRequest } from '@chancery/wire/rekor-v2';
import { inTotoDigests } from '../domain/in-toto-digests.ts';
import { hashTerm } from '../domain/search-terms.ts';
import { algorithmOfKeyDetails } from '../domain/signing-algorithms.ts';
import type { EntryKind } from './entry-kind.ts';
import { admitHashedRekord, readVerifier } from './hashedrekord-v002.ts';
import { envelopeEncoding } from './proposal.ts';

export const dsseV002: EntryKind<DsseRequest> = {
	kind: 'dsse',
	version: '0.0.2',
	async admit({ envelope, verifiers }, checkSignature) {
		const [signature, ...otherSignatures] = envelope.signatures;
		const [verifier, ...otherVerifiers] = verifiers;
		if (signature === undefined || verifier === undefined || otherSignatures.length > 0 || otherVerifiers.length > 0) {
			throw new DomainError(
				'invalid-entry',
				`expected one signature and one verifier and found ${envelope.signatures.length} and ` +
					`${verifiers.length}; an envelope is logged as hashedrekord 0.0.2, which holds one of each`,
			);
		}
		const { hash } = algorithmOfKeyDetails(verifier.keyDetails, readVerifier(verifier).info);
		const { payloadType, payload } = envelope;
		const message = envelopeEncoding(payloadType, payload);
		const digest = new Uint8Array(hashOf(OPENSSL_DIGESTS[hash], message, 'buffer'));
		return admitHashedRekord({ digest, signature: { content: signature.sig, verifier } }, checkSignature, {
			message,
			moreTerms: () => [hashTerm('sha256', hashOf('sha256', payload, 'hex')), ...inTotoDigests(payloadType, payload)],
		});
	},
};
