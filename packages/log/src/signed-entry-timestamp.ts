/**
 * The SET of the v1 wire: the log's promise that an entry is in it since a time. Signed once, after the entry is
 * committed, and stored; later reads repeat it byte for byte.
 *
 * The signed text is the canonical JSON of `{"body","integratedTime","logID","logIndex"}`, where `body` is base64 of
 * the leaf and `logIndex` the index that the wire shows.
 */
import { toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';

export interface TimestampedEntry {
	readonly index: number;
	readonly timestampMs: number;
	readonly leaf: Uint8Array;
}

/** Unix seconds at which the wire says that the entry was integrated. */
export function integratedTime(timestampMs: number): number {
	return Math.floor(timestampMs / 1000);
}

/** The bytes that a SET signs. `logId` is SHA-256 of the log key's SPKI. */
export function signedEntryTimestampPayload(logId: Uint8Array, entry: TimestampedEntry): Uint8Array {
	return utf8(
		canonicalJson({
			body: toBase64(entry.leaf),
			integratedTime: integratedTime(entry.timestampMs),
			logID: toHex(logId),
			logIndex: entry.index,
		}),
	);
}
