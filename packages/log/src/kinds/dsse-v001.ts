/**
 * dsse 0.0.1: a DSSE envelope (https://github.com/secure-systems-lab/dsse), of which the leaf keeps only the hashes.
 *
 *     {"apiVersion":"0.0.1","kind":"dsse","spec":{"envelopeHash":{"algorithm":"sha256","value":"<hex>"},
 *      "payloadHash":{"algorithm":"sha256","value":"<hex>"},"signatures":[{"signature":"<base64>","verifier":"<base64 of PEM>"}]}}
 *
 * `envelopeHash` is over the text of the envelope as it was sent: the same envelope written otherwise is another entry.
 * Every key signs with SHA-256 here, whatever its curve; Ed25519 signs the message itself.
 */

import { createHash } from 'node:crypto';
import { fromBase64, fromBase64Url, toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { FormatError } from '@chancery/core/format-error';
import { hasMoreStructure, parseJson } from '@chancery/core/json';
import { sha256 } from '@chancery/core/sha';
import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import { dsseEnvelope, dsseV001Spec } from '@chancery/wire/rekor-v1';
import { inTotoDigests } from '../domain/in-toto-digests.ts';
import { distinctTerms, hashTerm, type SearchTerm, signatureTerm, verifierTerms } from '../domain/search-terms.ts';
import type { PemVerifier } from '../domain/verifier-key.ts';
import type { EntryKind } from './entry-kind.ts';
import { readPemVerifier } from './pem-verifier.ts';
import { envelopeEncoding, invalidEntry, parsePart, signatureMismatch } from './proposal.ts';

const KIND = 'dsse';
const VERSION = '0.0.1';

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

export const dsseV001: EntryKind<unknown> = {
	kind: KIND,
	version: VERSION,
	async admit(proposal, checkSignature) {
		const { envelope: envelopeText, verifiers } = parsePart(dsseV001Spec, proposal).proposedContent;
		const envelopeBytes = bytesOfText(envelopeText);
		const envelope = parsePart(dsseEnvelope, parseEnvelopeText(envelopeText));
		const payload = envelopeBase64('payload', envelope.payload);
		const signatures = envelope.signatures.map(({ sig }) => ({ text: sig, bytes: envelopeBase64('sig', sig) }));
		if (signatures.length > 1 && payload.length > MAX_SHARED_PAYLOAD_BYTES)
			throw invalidEntry(
				`the envelope has ${signatures.length} signatures over ${payload.length} bytes; above ${MAX_SHARED_PAYLOAD_BYTES} bytes it may have one`,
			);
		if (new Set(signatures.map(({ text }) => text)).size !== signatures.length)
			throw invalidEntry('two signatures of the envelope are the same');

		const covered = await coverSignatures(
			envelopeEncoding(envelope.payloadType, payload),
			signatures,
			verifiers,
			checkSignature,
		);

		const envelopeHash = nativeSha256(envelopeBytes);
		const payloadHash = nativeSha256(payload);
		const canonical = {
			apiVersion: VERSION,
			kind: KIND,
			spec: {
				envelopeHash: { algorithm: 'sha256', value: envelopeHash },
				payloadHash: { algorithm: 'sha256', value: payloadHash },
				signatures: covered
					.map(({ text, verifier }) => ({ signature: text, verifier: toBase64(verifier.canonicalPem) }))
					.sort((a, b) => (a.signature < b.signature ? -1 : 1)),
			},
		};
		return {
			kind: KIND,
			version: VERSION,
			leaf: utf8(canonicalJson(canonical)),
			searchTerms: distinctTerms([
				...covered.flatMap(termsOfSignature),
				hashTerm('sha256', payloadHash),
				hashTerm('sha256', envelopeHash),
				...inTotoDigests(envelope.payloadType, payload),
			]),
		};
	},
};

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

/** Envelopes are megabytes: OpenSSL is several times faster there. Returns hex. */
function nativeSha256(bytes: Uint8Array): string {
	return createHash('sha256').update(bytes).digest('hex');
}

function bytesOfText(text: string): Uint8Array {
	try {
		return utf8(text);
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw invalidEntry('the envelope is not valid Unicode', cause);
	}
}

function parseEnvelopeText(text: string): unknown {
	if (hasMoreStructure(text, MAX_ENVELOPE_STRUCTURE))
		throw invalidEntry(`the envelope has more than ${MAX_ENVELOPE_STRUCTURE} braces, brackets, commas and colons`);
	try {
		return parseJson(text);
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw invalidEntry('the envelope is not JSON', cause);
	}
}

/** DSSE allows both alphabets; which one was used stays visible in the leaf. */
function envelopeBase64(name: string, text: string): Uint8Array {
	try {
		return /[-_]/.test(text) ? fromBase64Url(text.replace(/=+$/, '')) : fromBase64(text);
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw invalidEntry(`${name} of the envelope is not base64`, cause);
	}
}
