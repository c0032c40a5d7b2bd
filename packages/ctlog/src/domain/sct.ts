/**
 * Signed certificate timestamps (RFC 6962 section 3.2). For v1 the signed bytes are the leaf's own bytes, so that what
 * is signed is exactly what stands in the tree. Extensions stay empty: released clients refuse an SCT that has any.
 */
import { ChanceryError } from '@chancery/core/chancery-error';
import {
	CT_HASH_SHA256,
	CT_SIGNATURE_ECDSA,
	encodeDigitallySigned,
	encodeSct,
	parseMerkleTreeLeaf,
	parseSct,
} from '@chancery/core/ct';
import { sha256 } from '@chancery/core/sha';
import type { Signer } from '@chancery/keys/signer';

export const NO_EXTENSIONS: Uint8Array = new Uint8Array(0);

/** The log id: SHA-256 over the DER of its public key (section 3.2). */
export function logIdOf(signer: Signer): Uint8Array {
	return sha256(signer.publicKey);
}

/**
 * Signs the receipt of a committed entry: the serialised SCT over its leaf. Called once per entry, after the commit; the
 * result is stored and every repeat of the submission is answered with it.
 */
export async function signSct(signer: Signer, leaf: Uint8Array): Promise<Uint8Array> {
	const { timestampMs, extensions } = parseMerkleTreeLeaf(leaf);
	return encodeSct({
		version: 0,
		logId: logIdOf(signer),
		timestampMs,
		extensions,
		hashAlgorithm: CT_HASH_SHA256,
		signatureAlgorithm: CT_SIGNATURE_ECDSA,
		signature: await signer.sign(leaf),
	});
}

/** An SCT taken apart the way the wire answers it: `signature` is the whole DigitallySigned structure. */
export interface SctParts {
	readonly logId: Uint8Array;
	readonly timestampMs: number;
	readonly extensions: Uint8Array;
	readonly digitallySigned: Uint8Array;
}

/** Takes a stored receipt apart. */
export function sctParts(receipt: Uint8Array): SctParts {
	const sct = parseSct(receipt);
	return {
		logId: sct.logId,
		timestampMs: sct.timestampMs,
		extensions: sct.extensions,
		digitallySigned: encodeDigitallySigned(sct.signature, sct.hashAlgorithm, sct.signatureAlgorithm),
	};
}

/** The key cannot be the key of this log. */
export class LogKeyError extends ChanceryError<'log-key-unsuitable'> {
	constructor(message: string, options?: ErrorOptions) {
		super('log-key-unsuitable', message, options);
	}
}

/** Released clients verify SCTs by ECDSA on P-256 with SHA-256 only. @throws {LogKeyError} */
export function requireLogKey(signer: Signer): void {
	if (signer.algorithm !== 'ecdsa-sha2-256-nistp256')
		throw new LogKeyError(`the key of a CT log must be ecdsa-sha2-256-nistp256, this one is ${signer.algorithm}`);
}
