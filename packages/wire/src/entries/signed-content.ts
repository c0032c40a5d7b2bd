/**
 * The signature of a bundle, and what a stored entry must say about it. Kinds compare with the functions below.
 */

import { equalBytes, fromBase64, fromUtf8, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { ChanceryError } from '@chancery/core/chancery-error';
import { parsePem } from '@chancery/core/pem';
import type { HashAlgorithm } from '@chancery/core/sha';
import type { DsseEnvelope } from '../bundle.ts';

/** The signature as the bundle has it; it is verified elsewhere. */
export interface SignedContent {
	/** Over an artifact (by its digest), or over a DSSE envelope with exactly one signature. */
	readonly subject:
		| { readonly kind: 'artifact'; readonly hash: HashAlgorithm; readonly digest: Uint8Array }
		| { readonly kind: 'envelope'; readonly hash: HashAlgorithm; readonly envelope: DsseEnvelope };
	readonly signature: Uint8Array;
	/** Certificate or SPKI, DER. */
	readonly verifier: {
		readonly kind: 'certificate' | 'publicKey';
		readonly der: Uint8Array;
		readonly spki: Uint8Array;
	};
}

/** A stored entry speaks of something else than the bundle. The verifier makes a refusal of it. */
export class BindingError extends ChanceryError<'log-entry-mismatch'> {
	/** What the bundle has, where that can be said in a few words. */
	readonly expected: string | undefined;
	/** What the entry has instead. Attacker-controlled text. */
	readonly found: string | undefined;

	constructor(message: string, comparison: { readonly expected?: string; readonly found?: string | undefined } = {}) {
		super('log-entry-mismatch', message);
		this.expected = comparison.expected;
		this.found = comparison.found;
	}
}

/** @throws {BindingError} when the entry has another `what` than the bundle */
export function requireSame(what: string, expected: string, found: string | undefined): void {
	if (expected !== found)
		throw new BindingError(`the log entry has another ${what} than the bundle`, {
			expected,
			found: found?.slice(0, 200),
		});
}

/** The artifact of the bundle. @throws {BindingError} when it holds an envelope, which `kind` cannot be about */
export function artifactOf({ subject }: SignedContent, kind: string): { hash: HashAlgorithm; digest: Uint8Array } {
	if (subject.kind === 'artifact') return subject;
	throw new BindingError(`a DSSE envelope cannot be logged as ${kind}`);
}

/** The envelope of the bundle. @throws {BindingError} when there is none */
export function envelopeOf({ subject }: SignedContent): DsseEnvelope {
	if (subject.kind === 'envelope') return subject.envelope;
	throw new BindingError('the log entry is for a DSSE envelope, the bundle has none');
}

/**
 * `pem64` is base64 of PEM: a certificate (or a chain with the leaf first) or a public key.
 * @throws {BindingError} when it is not the verifier of the bundle
 * @throws {FormatError} when it is no PEM
 */
export function requireVerifier({ verifier }: SignedContent, pem64: string): void {
	const [block] = parsePem(fromUtf8(fromBase64(pem64)));
	const label = verifier.kind === 'certificate' ? 'CERTIFICATE' : 'PUBLIC KEY';
	if (block?.label !== label || !equalBytes(block.der, verifier.der))
		throw new BindingError('the log entry names another key or certificate');
}

/**
 * Compares a body, byte for byte, with the one that the bundle amounts to: nothing else may hide in it.
 * @throws {BindingError}
 */
export function requireBody(body: Uint8Array, rebuilt: { apiVersion: string; kind: string; spec: object }): void {
	if (!equalBytes(body, utf8(canonicalJson(rebuilt))))
		throw new BindingError(`the ${rebuilt.kind} entry is for another signature, key or content`);
}
