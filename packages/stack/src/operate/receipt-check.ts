/**
 * What a stored receipt has to be on each wire: the v1 wire's SET and RFC 6962's SCT, each signed once by the key of the
 * log over exactly what is stored; none on the v2 wire.
 */
import { equalBytes, toHex } from '@chancery/core/bytes';
import { parseMerkleTreeLeaf, parseSct } from '@chancery/core/ct';
import { FormatError } from '@chancery/core/format-error';
import { sha256 } from '@chancery/core/sha';
import { parsePublicKey } from '@chancery/keys/public-key';
import { verifySignature } from '@chancery/keys/verify-signature';
import { signedEntryTimestampPayload } from '@chancery/log/signed-entry-timestamp';
import type { ReceiptCheck } from '@chancery/tlog/audit/stored-log-audit';

/** `wire` as the row of the log says it. */
export function receiptCheck(wire: string, publicKey: Uint8Array): ReceiptCheck {
	if (wire === 'rekor-v2') return ({ receipt }) => (receipt ? 'has a receipt, and this wire has none' : undefined);
	const key = parsePublicKey(publicKey);
	const logId = sha256(publicKey);
	if (wire === 'rekor-v1')
		return (entry) => {
			if (!entry.receipt) return 'has no receipt (SET)';
			const payload = signedEntryTimestampPayload(logId, entry);
			return verifySignature({ publicKey: key, message: payload, signature: entry.receipt })
				? undefined
				: 'its receipt (SET) is not signed by the log';
		};
	return ({ receipt, leaf }) => {
		if (!receipt) return 'has no receipt (SCT)';
		try {
			const sct = parseSct(receipt);
			if (!equalBytes(sct.logId, logId)) return `its receipt (SCT) is of the log ${toHex(sct.logId)}`;
			const { timestampMs } = parseMerkleTreeLeaf(leaf);
			if (sct.timestampMs !== timestampMs)
				return `its receipt (SCT) has the time ${sct.timestampMs}, its leaf ${timestampMs}`;
			// For version 1, what is signed are the bytes of the leaf.
			return verifySignature({ publicKey: key, message: leaf, signature: sct.signature })
				? undefined
				: 'its receipt (SCT) is not signed by the log';
		} catch (error) {
			if (!(error instanceof FormatError)) throw error;
			return `leaf or receipt (SCT) cannot be read: ${error.message}`;
		}
	};
}
