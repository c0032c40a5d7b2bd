/** How a certificate or precertificate gets into the log, from the chain as submitted to its signed timestamp. */
import { DomainError } from '@chancery/chassis/domain-error';
import { equalBytes } from '@chancery/core/bytes';
import type { Certificate } from '@chancery/core/certificate';
import { encodeMerkleTreeLeaf } from '@chancery/core/ct';
import { FormatError } from '@chancery/core/format-error';
import type { Log } from '@chancery/tlog/log';
import type { CtlogMetrics } from '../metrics.ts';
import type { AcceptedRoots } from './accepted-roots.ts';
import { ANSWER_WITHIN_MS, answerInTime } from './answer-in-time.ts';
import { parseChain } from './chain.ts';
import type { Issuers } from './issuers.ts';
import { type ChainEntry, checkEntryType, type EntryType, entryOfChain } from './log-entry.ts';
import { NO_EXTENSIONS, type SctParts, sctParts } from './sct.ts';

export interface SubmitDeps {
	readonly log: Pick<Log, 'submit'>;
	readonly roots: AcceptedRoots;
	readonly issuers: Issuers;
	readonly metrics: CtlogMetrics;
}

/**
 * Logs one chain (DER, leaf first) and answers the SCT: the first one, byte for byte, when the entry is in the log already.
 * @throws {DomainError} `malformed-certificate`, `wrong-endpoint`, `malformed-poison`, `untrusted-chain`,
 * `unsupported-precert-issuer`; `overloaded`, `unavailable` or `log-unavailable` for what passes; TlogError when the log
 * does not take entries now
 */
export function submitChain(deps: SubmitDeps, type: EntryType, ders: readonly Uint8Array[]): Promise<SctParts> {
	return answerInTime(logChain(deps, type, ders), ANSWER_WITHIN_MS);
}

async function logChain(deps: SubmitDeps, type: EntryType, ders: readonly Uint8Array[]): Promise<SctParts> {
	// 1. What will be logged, and what makes it the same entry as an earlier one.
	const { entry, identity, extra, issuers } = await verifiedEntry(deps.roots, type, ders);

	// 2. The certificates above it, which tiles name by their hashes: they must be there before the SCT is. A crash here
	//    leaves certificates that no entry names yet, which harms nobody.
	await deps.issuers.remember(issuers);

	// 3. The engine gives it a place and a time, commits, has the receipt signed, and publishes a tree head over it. A
	//    crash before the commit leaves nothing; after it, a repeat finds the entry and its one receipt.
	const admitted = await deps.log.submit({
		identity,
		byteLength: (entry.type === 'x509' ? entry.certificate : entry.tbs).length + extra.length,
		encode: (_index, timestampMs) => ({
			leaf: encodeMerkleTreeLeaf({ timestampMs, entry, extensions: NO_EXTENSIONS }),
			extra,
			searchKeys: [],
		}),
	});

	const result = admitted.duplicate ? 'duplicate' : 'added';
	deps.metrics.count('chancery_ctlog_chains_total', 1, { type, result });

	// 4. Never promise by lookup alone: the stored leaf must be this very entry, at the time the SCT states.
	if (!admitted.receipt) throw new Error(`entry ${admitted.index} was admitted without a receipt`);
	const sct = sctParts(admitted.receipt);
	const expected = encodeMerkleTreeLeaf({ timestampMs: sct.timestampMs, entry, extensions: sct.extensions });
	if (!equalBytes(expected, admitted.leaf))
		throw new Error(`entry ${admitted.index} of the log is not the one that was submitted`);
	return sct;
}

/** Everything that an outsider can get wrong, decided before the log is touched. */
async function verifiedEntry(
	roots: AcceptedRoots,
	type: EntryType,
	ders: readonly Uint8Array[],
): Promise<ChainEntry & { readonly issuers: readonly Certificate[] }> {
	try {
		// Cheap refusals come before any signature is checked.
		const [leaf] = parseChain(ders.slice(0, 1));
		if (!leaf) throw new DomainError('malformed-certificate', 'the chain is empty');
		checkEntryType(type, leaf);
		const chain = await roots.complete(leaf, ders.slice(1));
		return { ...entryOfChain(type, chain), issuers: chain.slice(1) };
	} catch (error) {
		// Extensions are read where they are needed, some of them only after the certificate itself was read.
		if (!(error instanceof FormatError)) throw error;
		throw new DomainError('malformed-certificate', `a certificate of the chain is malformed: ${error.message}`, {
			cause: error,
		});
	}
}
