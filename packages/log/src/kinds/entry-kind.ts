/**
 * What an entry kind is: one file that takes a proposal to the leaf that goes into the log. A new kind is such a file
 * and a line in `enabled-kinds.ts`.
 */

import type { CheckSignature } from '@chancery/keys/checks/signature-checks';
import type { SearchTerm } from '../domain/search-terms.ts';

/** A verified entry in the only form in which it is logged. */
export interface CanonicalEntry {
	/** Kind and version of the leaf; they can differ from those of the request. */
	readonly kind: string;
	readonly version: string;
	/** UTF-8 of the canonical JSON (RFC 8785): these bytes are the Merkle leaf. */
	readonly leaf: Uint8Array;
	/** What the entry is found by. */
	readonly searchTerms: readonly SearchTerm[];
}

export interface EntryKind<Proposal> {
	readonly kind: string;
	readonly version: string;
	/**
	 * Parses the proposal, verifies its signatures, makes the leaf. Nothing of an unverified proposal reaches the log.
	 * @throws DomainError `invalid-entry`, `algorithm-not-allowed`, `signature-mismatch`, `overloaded`
	 */
	admit(proposal: Proposal, checkSignature: CheckSignature): Promise<CanonicalEntry>;
}
