/**
 * An entry on its way through the log: as it is submitted, as it is stored, as it is answered.
 */
import type { Hash } from '@chancery/core/merkle';
import type { SearchKey } from './search-key.ts';

export interface NewEntry {
	/** 32 bytes, unique in the log: what makes a second submission a repeat of the first. */
	readonly identity: Uint8Array;
	/** About how many bytes this entry will occupy while it waits; counted against the bound of the queue. */
	readonly byteLength?: number;
	/**
	 * Runs under the head lock, possibly more than once with different arguments (a batch may be restarted), so it must be
	 * quick and pure. When it throws, this entry alone is refused.
	 */
	encode(index: number, timestampMs: number): EncodedEntry;
}

export interface EncodedEntry {
	/** What the tree commits to: leaf hash = SHA-256(0x00 || leaf). */
	readonly leaf: Uint8Array;
	/** Stored beside the leaf and not committed to (a certificate chain, an attestation). */
	readonly extra: Uint8Array | null;
	readonly searchKeys: readonly SearchKey[];
}

/** What a receipt (SET, SCT) is signed over. */
export interface ReceiptInput {
	readonly index: number;
	readonly timestampMs: number;
	readonly leaf: Uint8Array;
	readonly extra: Uint8Array | null;
	readonly leafHash: Hash;
}

export interface StoredEntry extends ReceiptInput {
	readonly receipt: Uint8Array | null;
}

/** A published checkpoint: signed, committed, and the mark stands at it or beyond. */
export interface Publication {
	readonly size: number;
	readonly root: Hash;
	readonly timestampMs: number;
	/** What `signHead` returned: a signed note, a signed tree head; the engine does not look inside. */
	readonly note: Uint8Array;
}

/** The answer to a submission: durable, inside the tree of `publication`, with a proof that was checked. */
export interface Admitted extends StoredEntry {
	/** True when the entry was there before; everything else is then the stored first submission. */
	readonly duplicate: boolean;
	readonly publication: Publication;
	/** Inclusion proof of `index` in the tree of `publication`. */
	readonly proof: Hash[];
}
