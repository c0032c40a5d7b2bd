/**
 * One entry of a signature log: promise (SET), inclusion proof and checkpoint. What the entry says about the
 * signature is checked in entry-binding.ts.
 */
import { equalBytes, toBase64, toHex, utf8 } from '@chancery/core/bytes';
import { canonicalJson } from '@chancery/core/canonical-json';
import { type Checkpoint, parseCheckpoint } from '@chancery/core/checkpoint';
import { FormatError } from '@chancery/core/format-error';
import { hashLeaf } from '@chancery/core/merkle';
import { parseNote } from '@chancery/core/note';
import { checkInclusion, ProofError } from '@chancery/core/proof';
import type { BundledLogEntry, BundleVersion } from '@chancery/wire/bundle';
import { findKind } from '@chancery/wire/kinds/entry-kinds';
import type { CryptoPort } from './crypto-port.ts';
import { isWithin, type TrustedLog, timeToString } from './trust-material.ts';
import { VerifyError } from './verify-error.ts';

export interface LogEntryEvidence {
	readonly log: TrustedLog;
	/** As the promise or the proof has it: the entry's own word for a v1 log without promise is nobody's. */
	readonly logIndex: number;
	/** The log's own time, only where its promise (SET) proves it. A v2 log proves none. */
	readonly integratedTime: Date | undefined;
}

type InclusionProof = NonNullable<BundledLogEntry['inclusionProof']>;

/** Whether the entry is of a kind that Rekor v2 writes; everything else comes from a v1 log. */
export function isV2Entry(entry: BundledLogEntry): boolean {
	return findKind(entry.kindVersion)?.wire === 'v2';
}

/**
 * Checks that a trusted log vouches for `entry`.
 * @throws {VerifyError} `log-unknown`, `inclusion-promise-invalid`, `inclusion-proof-invalid`, `checkpoint-invalid`
 */
export async function checkLogEntry(
	entry: BundledLogEntry,
	version: BundleVersion,
	tlogs: readonly TrustedLog[],
	crypto: CryptoPort,
): Promise<LogEntryEvidence> {
	const candidates = tlogs.filter(({ logId }) => equalBytes(logId, entry.logId.keyId));
	const [log] = candidates;
	if (!log)
		throw new VerifyError('log-unknown', `log ${toHex(entry.logId.keyId)} is not in the trusted root`, {
			expected: tlogs.map(({ baseUrl }) => baseUrl).join(', '),
		});

	const isV2 = isV2Entry(entry);
	if (version === '0.1' && !entry.inclusionPromise)
		throw new VerifyError('inclusion-promise-invalid', 'a bundle of version 0.1 needs an inclusion promise');
	// A v2 log makes no promise; a promise beside its entry was not made by it and proves neither time nor inclusion.
	const integratedTime = entry.inclusionPromise && !isV2 ? await checkPromise(entry, log, crypto) : undefined;
	const { inclusionProof } = entry;
	if (inclusionProof)
		await checkProof(entry, inclusionProof, { log, isV2, isPromised: !!integratedTime, version }, crypto);
	else if (version !== '0.1' || isV2)
		throw new VerifyError('inclusion-proof-invalid', 'the log entry has no inclusion proof');
	return {
		log,
		logIndex: integratedTime ? entry.logIndex : (inclusionProof?.logIndex ?? entry.logIndex),
		integratedTime,
	};
}

/** The SET: the log key's signature over the canonical JSON of body, time, index and log id. */
async function checkPromise(entry: BundledLogEntry, log: TrustedLog, crypto: CryptoPort): Promise<Date> {
	const { inclusionPromise, integratedTime, canonicalizedBody, logIndex } = entry;
	if (!inclusionPromise || !integratedTime)
		throw new VerifyError('inclusion-promise-invalid', 'the inclusion promise has no time');
	const payload = canonicalJson({
		body: toBase64(canonicalizedBody),
		integratedTime,
		logID: toHex(entry.logId.keyId),
		logIndex,
	});
	if (
		!(await crypto.verify({
			publicKey: log.publicKey,
			message: utf8(payload),
			signature: inclusionPromise.signedEntryTimestamp,
			hash: 'SHA2_256',
		}))
	)
		throw new VerifyError('inclusion-promise-invalid', `the inclusion promise of ${log.baseUrl} does not verify`);
	const time = new Date(integratedTime * 1000);
	if (!isWithin(log.validity, time))
		throw new VerifyError(
			'inclusion-promise-invalid',
			`the key of ${log.baseUrl} was not in use at ${timeToString(time)}`,
		);
	return time;
}

async function checkProof(
	entry: BundledLogEntry,
	proof: InclusionProof,
	context: { log: TrustedLog; version: BundleVersion; isV2: boolean; isPromised: boolean },
	crypto: CryptoPort,
): Promise<void> {
	// A v2 log has one tree, so that both indexes are the same; the shards of a v1 log count for themselves.
	if (context.isV2 && entry.logIndex !== proof.logIndex)
		throw new VerifyError('inclusion-proof-invalid', 'the proof is for another index than the entry', {
			expected: String(entry.logIndex),
			found: String(proof.logIndex),
		});
	try {
		checkInclusion({
			index: proof.logIndex,
			size: proof.treeSize,
			leafHash: hashLeaf(entry.canonicalizedBody),
			root: proof.rootHash,
			proof: proof.hashes,
		});
	} catch (cause) {
		if (!(cause instanceof ProofError)) throw cause;
		throw new VerifyError('inclusion-proof-invalid', `the inclusion proof does not verify: ${cause.message}`, {
			cause,
		});
	}
	if (!proof.checkpoint) {
		// Bundles of version 0.1 may carry a bare proof beside the promise. Without a signed root anybody can make one: it
		// proves nothing, and what the promise did not vouch for has then been vouched for by nobody.
		if (context.version === '0.1' && context.isPromised) return;
		throw new VerifyError('checkpoint-invalid', 'the inclusion proof has no checkpoint');
	}
	const checkpoint = await openCheckpoint(proof.checkpoint.envelope, context.log, context.isV2, crypto);
	if (checkpoint.size !== proof.treeSize)
		throw new VerifyError('checkpoint-invalid', 'the proof is for another tree size than the checkpoint', {
			expected: String(checkpoint.size),
			found: String(proof.treeSize),
		});
	if (!equalBytes(checkpoint.root, proof.rootHash))
		throw new VerifyError('checkpoint-invalid', 'the proof is for another root than the checkpoint', {
			expected: toHex(checkpoint.root),
			found: toHex(proof.rootHash),
		});
}

/**
 * Opens a checkpoint: at least one signature line must be the log's own, by name, key hash and signature. Lines of
 * others (witnesses, unknown keys) are passed over wherever they stand.
 */
async function openCheckpoint(
	envelope: string,
	log: TrustedLog,
	isV2: boolean,
	crypto: CryptoPort,
): Promise<Checkpoint> {
	try {
		const note = parseNote(envelope);
		const own = note.signatures.filter(
			({ name, keyHash }) => log.hostNames.includes(name) && equalBytes(keyHash, log.logId.subarray(0, 4)),
		);
		if (own.length === 0)
			throw new VerifyError('checkpoint-invalid', 'the checkpoint is not signed by the log', {
				expected: log.hostNames.join(' or '),
			});
		let isSigned = false;
		for (const { signature } of own)
			isSigned ||= await crypto.verify({
				publicKey: log.publicKey,
				message: utf8(note.text),
				signature,
				hash: 'SHA2_256',
			});
		if (!isSigned)
			throw new VerifyError('checkpoint-invalid', `the signature of ${log.baseUrl} on the checkpoint does not verify`);
		const checkpoint = parseCheckpoint(note.text);
		if (isV2 && !log.hostNames.includes(checkpoint.origin))
			throw new VerifyError('checkpoint-invalid', 'the checkpoint is of another log', {
				expected: log.hostNames.join(' or '),
				found: checkpoint.origin,
			});
		return checkpoint;
	} catch (cause) {
		if (!(cause instanceof FormatError)) throw cause;
		throw new VerifyError('checkpoint-invalid', `the checkpoint is malformed: ${cause.message}`, { cause });
	}
}
