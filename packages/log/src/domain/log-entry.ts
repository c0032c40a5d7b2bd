/**
 * The write path of both wires, after a proposal has been verified: into the log, and out again with its proof.
 */
import { DomainError } from '@chancery/chassis/domain-error';
import { hashLeaf } from '@chancery/core/merkle';
import type { Log } from '@chancery/tlog/log';
import type { CanonicalEntry } from '@chancery/wire/entries/entry-kind';
import { MAX_LEAF_BYTES } from '@chancery/wire/entries/leaf-size';
import { askEngine } from './engine-errors.ts';
import { checkedEntry, type ProvenEntry } from './proven-entry.ts';
import { toSearchKeys } from './search-keys.ts';

/** What a search key occupies while its entry waits, about. */
const SEARCH_KEY_BYTES = 256;

export interface LoggedEntry extends ProvenEntry {
	/** True when the entry was in the log before; then everything but the proof is from back then. */
	readonly duplicate: boolean;
}

/**
 * Logs a verified entry.
 *
 * 1. Its size is checked before anything is queued: tiles cannot carry more.
 * 2. The engine sequences it, or finds it by its leaf hash; either way it answers only when a published checkpoint
 *    covers the entry. A crash before that leaves an entry that nobody was told of, and that a repeat will find.
 * 3. The proof is checked once more against the checkpoint it is sent with.
 *
 * @throws {DomainError} `entry-too-large`, and what the engine refuses
 */
export async function logEntry(log: Log, entry: CanonicalEntry): Promise<LoggedEntry> {
	const { leaf } = entry;
	if (leaf.length > MAX_LEAF_BYTES) {
		throw new DomainError(
			'entry-too-large',
			`the canonical entry has ${leaf.length} bytes; ${MAX_LEAF_BYTES} is the limit of this log`,
		);
	}
	const searchKeys = toSearchKeys(entry.searchTerms);
	const byteLength = leaf.length + searchKeys.length * SEARCH_KEY_BYTES;
	const admitted = await askEngine(() =>
		log.submit({ identity: hashLeaf(leaf), byteLength, encode: () => ({ leaf, extra: null, searchKeys }) }),
	);
	const { index, timestampMs, leafHash, receipt, duplicate, publication, proof } = admitted;
	return {
		...checkedEntry({ index, timestampMs, leaf: admitted.leaf, leafHash, receipt, publication, proof }),
		duplicate,
	};
}
