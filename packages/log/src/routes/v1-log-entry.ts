/**
 * A proven entry as the v1 wire writes it.
 */
import { fromUtf8, toBase64, toHex } from '@chancery/core/bytes';
import type { LogEntry } from '@chancery/wire/rekor-v1';
import { formatEntryId } from '../domain/entry-id.ts';
import type { ProvenEntry } from '../domain/proven-entry.ts';
import type { SignatureLogV1 } from '../domain/signature-log.ts';
import { integratedTime } from '../signed-entry-timestamp.ts';

export function encodeLogEntry(v1: SignatureLogV1, entry: ProvenEntry): LogEntry {
	// The receipt is stored with the publication that covers the entry, so a published entry without one cannot be.
	if (entry.receipt === null) throw new Error(`entry ${entry.index} is published and has no SET`);
	return {
		[formatEntryId(v1.treeId, entry.leafHash)]: {
			body: toBase64(entry.leaf),
			integratedTime: integratedTime(entry.timestampMs),
			logID: toHex(v1.logId),
			logIndex: entry.index,
			verification: {
				inclusionProof: {
					checkpoint: fromUtf8(entry.publication.note),
					hashes: entry.proof.map(toHex),
					logIndex: entry.index,
					rootHash: toHex(entry.publication.root),
					treeSize: entry.publication.size,
				},
				signedEntryTimestamp: toBase64(entry.receipt),
			},
		},
	};
}
