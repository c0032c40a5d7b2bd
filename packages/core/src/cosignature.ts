/**
 * Cosignatures by witnesses (https://c2sp.org/tlog-cosignature, Ed25519, note signature type 0x04).
 *
 *     signed message    "cosignature/v1\n" "time <unix seconds>\n" <whole text of the checkpoint>
 *     note signature    u64 big-endian unix seconds || 64 bytes Ed25519
 *
 * It says: at this time, the largest consistent tree that I have seen for this origin has this root.
 */
import { concatBytes, utf8 } from './bytes.ts';
import { FormatError } from './format-error.ts';
import { TlsReader, uint } from './tls-presentation.ts';

const ED25519_SIGNATURE_LENGTH = 64;

export interface Cosignature {
	readonly timestampSeconds: number;
	readonly signature: Uint8Array;
}

/** What a witness signs; the text includes extension lines and its last line feed, and no signatures. */
export function cosignedMessage(timestampSeconds: number, checkpointText: string): Uint8Array {
	if (!Number.isSafeInteger(timestampSeconds) || timestampSeconds < 0)
		throw new FormatError('cosignature', 'the time is not whole seconds');
	return utf8(`cosignature/v1\ntime ${timestampSeconds}\n${checkpointText}`);
}

/** The signature bytes of the note line (behind the key hash). Throws FormatError. */
export function encodeCosignature({ timestampSeconds, signature }: Cosignature): Uint8Array {
	if (signature.length !== ED25519_SIGNATURE_LENGTH)
		throw new FormatError('cosignature', 'an Ed25519 signature does not have 64 bytes');
	return concatBytes(uint(8, timestampSeconds), signature);
}

/** Throws FormatError. */
export function parseCosignature(bytes: Uint8Array): Cosignature {
	const reader = new TlsReader(bytes);
	const timestampSeconds = reader.uint(8);
	const signature = reader.bytes(ED25519_SIGNATURE_LENGTH);
	reader.end();
	return { timestampSeconds, signature };
}
