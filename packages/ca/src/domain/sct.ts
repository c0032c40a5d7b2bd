/**
 * Signed certificate timestamps (RFC 6962 section 3.2): what the log answers is checked before it is put into a
 * certificate, because nobody could use a certificate with a bad one, and clients would blame the wrong party.
 */
import { equalBytes, fromBase64 } from '@chancery/core/bytes';
import {
	CT_HASH_SHA256,
	CT_SIGNATURE_ECDSA,
	encodeSct,
	encodeSctList,
	parseDigitallySigned,
	type Sct,
	sctSignedData,
} from '@chancery/core/ct';
import { FormatError } from '@chancery/core/format-error';
import { verifySignature } from '@chancery/keys/verify-signature';
import type { AddChainReply } from '@chancery/wire/ct';
import type { CtLog } from './ct-log.ts';
import { refuse } from './refusal.ts';

/** How far the log's clock may be from ours. Verifiers compare the time with the life of the log's key. */
const MAX_SKEW_MS = 30_000;

/** What the log vouches for. */
export interface SubmittedEntry {
	readonly issuerKeyHash: Uint8Array;
	/** TBS of the precertificate without its poison. */
	readonly tbs: Uint8Array;
	readonly submittedAtMs: number;
}

export interface CheckedSct {
	readonly timestampMs: number;
	/** The SCT as it is embedded and stored. */
	readonly encoded: Uint8Array;
	/** Value of the SCT list extension with this one SCT: two would break clients that expect exactly one. */
	readonly extensionValue: Uint8Array;
}

/**
 * Checks log id, time and signature.
 * @throws {DomainError} `sct-invalid`
 */
export function checkSct(
	reply: AddChainReply,
	entry: SubmittedEntry,
	log: Pick<CtLog, 'key' | 'logId'>,
	nowMs: number,
): CheckedSct {
	const sct = readSct(reply);
	if (!equalBytes(sct.logId, log.logId)) throw refuse('sct-invalid', 'the log answered under another log id');
	if (sct.hashAlgorithm !== CT_HASH_SHA256 || sct.signatureAlgorithm !== CT_SIGNATURE_ECDSA)
		throw refuse('sct-invalid', 'the log does not sign with ECDSA over SHA-256');
	if (sct.timestampMs < entry.submittedAtMs - MAX_SKEW_MS || sct.timestampMs > nowMs + MAX_SKEW_MS)
		throw refuse(
			'sct-invalid',
			`the clock of the log is ${Math.round((sct.timestampMs - nowMs) / 1000)} s away from ours`,
		);
	const signed = sctSignedData({
		timestampMs: sct.timestampMs,
		entry: { type: 'precert', issuerKeyHash: entry.issuerKeyHash, tbs: entry.tbs },
		extensions: sct.extensions,
	});
	if (!verifySignature({ publicKey: log.key, message: signed, signature: sct.signature, hash: 'SHA2_256' }))
		throw refuse('sct-invalid', 'the signature of the log does not verify');
	const encoded = encodeSct(sct);
	return { timestampMs: sct.timestampMs, encoded, extensionValue: encodeSctList([sct]) };
}

function readSct(reply: AddChainReply): Sct {
	try {
		return {
			version: 0,
			logId: fromBase64(reply.id),
			timestampMs: reply.timestamp,
			extensions: fromBase64(reply.extensions),
			...parseDigitallySigned(fromBase64(reply.signature)),
		};
	} catch (error) {
		if (!(error instanceof FormatError)) throw error;
		throw refuse('sct-invalid', 'the answer of the log is not an SCT', { cause: error });
	}
}
