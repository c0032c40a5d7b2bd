/**
 * dsse 0.0.1: a DSSE envelope (https://github.com/secure-systems-lab/dsse), of which the leaf keeps only the hashes.
 *
 *     {"apiVersion":"0.0.1","kind":"dsse","spec":{"envelopeHash":{"algorithm":"sha256","value":"<hex>"},
 *      "payloadHash":{"algorithm":"sha256","value":"<hex>"},"signatures":[{"signature":"<base64>","verifier":"<base64 of PEM>"}]}}
 *
 * `envelopeHash` is over the text of the envelope as it was sent: the same envelope written otherwise is another entry.
 * Every key signs with SHA-256 here, whatever its curve; Ed25519 signs the message itself.
 */

import { fromBase64, fromBase64Url, toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { hasMoreStructure, parseJson } from '@chancery/core/json';
import { sha256 } from '@chancery/core/sha';
import { z } from 'zod';
import type { CheckSignature } from '../entries/check-signature.ts';
import { canonicalEntry, entryKindV1 } from '../entries/entry-kind.ts';
import { invalidEntry, signatureMismatch } from '../entries/entry-refusal.ts';
import { inTotoDigests } from '../entries/in-toto-digests.ts';
import { readPemVerifier } from '../entries/pem-verifier.ts';
import { envelopeEncoding, partOf } from '../entries/proposal.ts';
import { hashTerm, type SearchTerm, signatureTerm, verifierTerms } from '../entries/search-terms.ts';
import { envelopeOf, requireSame, requireVerifier } from '../entries/signed-content.ts';
import type { PemVerifier } from '../entries/verifier-key.ts';

const NAME = { kind: 'dsse', version: '0.0.1' } as const;

/** As many signatures and as many verifiers as one envelope may bring. */
const MAX_SIGNATURES = 10;

/** The envelope as the JSON text it was signed in, and base64 of the PEMs that verify it. */
const proposedSpec = z.object({
	proposedContent: z.object({
		envelope: z.string().min(1),
		verifiers: z.array(z.string().min(1)).min(1).max(MAX_SIGNATURES),
	}),
});

/** The envelope inside. `payload` and `sig` are base64. */
const dsseEnvelope = z.object({
	payload: z.string(),
	payloadType: z.string(),
	signatures: z
		.array(z.object({ sig: z.string().min(1), keyid: z.string().nullish() }))
		.min(1, 'the envelope has no signature')
		.max(MAX_SIGNATURES),
});

/** What a log has kept; an entry with more signatures cannot be that of a bundle, which has one. */
const storedSpec = z.looseObject({
	payloadHash: z.looseObject({ algorithm: z.literal('sha256'), value: z.string() }),
	signatures: z.array(z.looseObject({ signature: z.string(), verifier: z.string() })).length(1),
});

/**
 * Each signature is tried with verifier after verifier, and each trial hashes the whole payload: ten signatures are up to
 * 55 trials, which over the largest envelope would be a second of work for one request.
 */
const MAX_SHARED_PAYLOAD_BYTES = 1024 * 1024;

/** Ten signatures with their key ids and the members beside them have some dozens of braces, commas and colons. */
const MAX_ENVELOPE_STRUCTURE = 4096;

/** A signature of the envelope: its text there, which the leaf repeats, and its bytes. */
interface EnvelopeSignature {
	readonly text: string;
	readonly bytes: Uint8Array;
}

interface CoveredSignature extends EnvelopeSignature {
	readonly verifier: PemVerifier;
}

export const dsseV001 = entryKindV1({
	...NAME,
	proposal: {
		schema: proposedSpec,
		async admit({ proposedContent }, checkSignature) {
			const envelopeBytes = partOf('the envelope is not valid Unicode', () => utf8(proposedContent.envelope));
			const envelope = dsseEnvelope.parse(parseEnvelopeText(proposedContent.envelope));
			const payload = envelopeBase64('payload', envelope.payload);
			const signatures = envelope.signatures.map(({ sig }) => ({ text: sig, bytes: envelopeBase64('sig', sig) }));
			if (signatures.length > 1 && payload.length > MAX_SHARED_PAYLOAD_BYTES)
				throw invalidEntry(
					`the envelope has ${signatures.length} signatures over ${payload.length} bytes; above ${MAX_SHARED_PAYLOAD_BYTES} bytes it may have one`,
				);
			if (new Set(signatures.map(({ text }) => text)).size !== signatures.length)
				throw invalidEntry('two signatures of the envelope are the same');

			const message = envelopeEncoding(envelope.payloadType, payload);
			const covered = await coverSignatures(message, signatures, proposedContent.verifiers, checkSignature);

			const envelopeHash = toHex(sha256(envelopeBytes));
			const payloadHash = toHex(sha256(payload));
			const stored = {
				envelopeHash: { algorithm: 'sha256', value: envelopeHash },
				payloadHash: { algorithm: 'sha256', value: payloadHash },
				signatures: covered
					.map(({ text, verifier }) => ({ signature: text, verifier: toBase64(verifier.canonicalPem) }))
					.sort((a, b) => (a.signature < b.signature ? -1 : 1)),
			};
			return canonicalEntry(NAME, stored, [
				...covered.flatMap(termsOfSignature),
				hashTerm('sha256', payloadHash),
				hashTerm('sha256', envelopeHash),
				...inTotoDigests(envelope.payloadType, payload),
			]);
		},
	},
	checkBinding({ spec }, content) {
		const { payloadHash, signatures } = storedSpec.parse(spec);
		requireSame('payload hash', toHex(sha256(envelopeOf(content).payload)), payloadHash.value);
		requireSame('signature', toBase64(content.signature), signatures[0]?.signature);
		requireVerifier(content, signatures[0]?.verifier ?? '');
	},
});

/**
 * Finds the verifier of every signature, trying the verifiers in order. One that verifies nothing while signatures are
 * still open is an error: it would otherwise be a name that a signer can attach to an entry at will.
 */
async function coverSignatures(
	message: Uint8Array,
	signatures: readonly EnvelopeSignature[],
	verifiers: readonly string[],
	checkSignature: CheckSignature,
): Promise<CoveredSignature[]> {
	const covered: CoveredSignature[] = [];
	let open = signatures;
	for (const pem of verifiers) {
		if (open.length === 0) break;
		const verifier = await readPemVerifier('verifiers', pem, checkSignature);
		const stillOpen: EnvelopeSignature[] = [];
		for (const signature of open) {
			const check = { key: verifier.key, signature: signature.bytes, hash: 'SHA2_256', over: { message } } as const;
			if (await checkSignature(check)) covered.push({ ...signature, verifier });
			else stillOpen.push(signature);
		}
		if (stillOpen.length === open.length)
			throw signatureMismatch('could not verify envelope: a verifier matches none of its signatures');
		open = stillOpen;
	}
	if (open.length > 0) throw signatureMismatch('all signatures must have a key that verifies it');
	return covered;
}

/** Searches by key hash find dsse entries under the bare hash and, as upstream wrote them, under a `sha256:` prefix. */
function termsOfSignature({ bytes, verifier }: CoveredSignature): SearchTerm[] {
	return [
		...verifierTerms(verifier.key, verifier.canonicalPem),
		hashTerm('sha256', toHex(sha256(verifier.canonicalPem))),
		signatureTerm(bytes),
	];
}

function parseEnvelopeText(text: string): unknown {
	if (hasMoreStructure(text, MAX_ENVELOPE_STRUCTURE))
		throw invalidEntry(`the envelope has more than ${MAX_ENVELOPE_STRUCTURE} braces, brackets, commas and colons`);
	return partOf('the envelope is not JSON', () => parseJson(text));
}

/** DSSE allows both alphabets; which one was used stays visible in the leaf. */
function envelopeBase64(name: string, text: string): Uint8Array {
	return partOf(`${name} of the envelope is not base64`, () =>
		/[-_]/.test(text) ? fromBase64Url(text.replace(/=+$/, '')) : fromBase64(text),
	);
}
