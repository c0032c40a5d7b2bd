/**
 * Certificate transparency, RFC 6962 section 3: the certificate carries a promise of a trusted log to publish it.
 */

import { equalBytes } from '@chancery/core/bytes';
import type { Certificate } from '@chancery/core/certificate';
import { parseSctList, type Sct, sctSignedData } from '@chancery/core/ct';
import { issuerKeyHash, SCT_LIST_OID, tbsWithoutSct } from '@chancery/core/precertificate';
import type { CryptoPort } from './crypto-port.ts';
import { isWithin, type TrustedLog, timeToString } from './trust-material.ts';
import { readOr, VerifyError } from './verify-error.ts';

export interface SctEvidence {
	readonly logUrl: string;
	readonly time: Date;
}

/**
 * Checks every embedded SCT: each must come from a trusted log, within that log's validity, and verify over the
 * precertificate. At least one is needed.
 * @throws {VerifyError} `sct-invalid`
 */
export async function checkScts(
	leaf: Certificate,
	issuer: Certificate,
	ctlogs: readonly TrustedLog[],
	crypto: CryptoPort,
): Promise<SctEvidence[]> {
	const scts = embeddedScts(leaf);
	if (scts.length === 0) throw invalid('the certificate has no signed certificate timestamp');
	const entry = { type: 'precert' as const, issuerKeyHash: issuerKeyHash(issuer), tbs: tbsWithoutSct(leaf) };
	const evidence: SctEvidence[] = [];
	for (const sct of scts) {
		const time = new Date(sct.timestampMs);
		const logs = ctlogs.filter(({ logId }) => equalBytes(logId, sct.logId));
		if (logs.length === 0) throw invalid('a signed certificate timestamp comes from a log that is not trusted');
		const current = logs.filter(({ validity }) => isWithin(validity, time));
		if (current.length === 0) throw invalid(`the log key was not in use at ${timeToString(time)}`);
		const signed = sctSignedData({ timestampMs: sct.timestampMs, entry, extensions: sct.extensions });
		const signer = await findAsync(current, (log) =>
			crypto.verify({ publicKey: log.publicKey, message: signed, signature: sct.signature, hash: 'SHA2_256' }),
		);
		if (!signer) throw invalid('a signed certificate timestamp does not verify');
		evidence.push({ logUrl: signer.baseUrl, time });
	}
	return evidence;
}

function embeddedScts(leaf: Certificate): Sct[] {
	const extension = leaf.extensions.find(({ oid }) => oid === SCT_LIST_OID);
	if (!extension) return [];
	return readOr('sct-invalid', 'the list of signed certificate timestamps', () => parseSctList(extension.value));
}

async function findAsync<T>(
	items: readonly T[],
	test: (item: T) => boolean | Promise<boolean>,
): Promise<T | undefined> {
	for (const item of items) if (await test(item)) return item;
	return undefined;
}

function invalid(message: string): VerifyError {
	return new VerifyError('sct-invalid', message);
}
